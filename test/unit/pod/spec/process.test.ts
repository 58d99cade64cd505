import assert from "node:assert/strict";
import { test } from "node:test";
import { Signal } from "#cri";
import { LichenError } from "../../../../src/errors.ts";
import { commandLine, environment, execProcess, workingDirectory } from "../../../../src/pod/spec/process.ts";
import { signalNumber, stopSignal } from "../../../../src/pod/spec/stop-signal.ts";
import { containerConfig } from "../records.ts";

const refused = (error: unknown) => error instanceof LichenError && error.code === "INVALID_ARGUMENT";
const image = { Entrypoint: ["/entry"], Cmd: ["default"] };
const bytes = (text: string) => new TextEncoder().encode(text);

test("the command line is put together as Kubernetes documents it", () => {
  const line = (command: string[], args: string[], from = image) =>
    commandLine(containerConfig({ command, args }), from);
  assert.deepEqual(line([], []), ["/entry", "default"]);
  assert.deepEqual(line([], ["own"]), ["/entry", "own"]);
  assert.deepEqual(line(["/own"], []), ["/own"]);
  assert.deepEqual(line(["/own"], ["arg"]), ["/own", "arg"]);
});

test("an empty entry point is none", () => {
  assert.deepEqual(commandLine(containerConfig(), { Entrypoint: [""], Cmd: ["sh"] }), ["sh"]);
  assert.deepEqual(commandLine(containerConfig(), { Entrypoint: null, Cmd: ["sh"] }), ["sh"]);
});

test("no command at all, and a NUL in one, are refused", () => {
  assert.throws(() => commandLine(containerConfig(), {}), refused);
  assert.throws(() => commandLine(containerConfig({ command: ["a\0b"] }), {}), refused);
});

test("variables of the request go before those of the image, and both before the defaults", () => {
  const config = containerConfig({ envs: [{ key: "A", value: bytes("request") }] });
  assert.deepEqual(environment(config, { Env: ["A=image", "B=image", "PATH=/bin"] }, "web-0"), [
    "PATH=/bin",
    "HOSTNAME=web-0",
    "A=request",
    "B=image",
  ]);
  assert.deepEqual(environment(containerConfig({ tty: true }), {}, "h").slice(1), [
    "HOSTNAME=h",
    "TERM=xterm",
  ]);
});

test("a variable's value may hold anything that is text", () => {
  const config = containerConfig({ envs: [{ key: "A", value: bytes("x=y\n\u{1f980}") }] });
  assert.ok(environment(config, {}, "h").includes("A=x=y\n\u{1f980}"));
});

test("variables that no process could have are refused", () => {
  const wrong = [
    { key: "", value: bytes("x") },
    { key: "A=B", value: bytes("x") },
    { key: "A\0", value: bytes("x") },
    { key: "A", value: bytes("x\0y") },
    { key: "A", value: new Uint8Array([0xff, 0xfe]) },
  ];
  for (const variable of wrong) {
    assert.throws(() => environment(containerConfig({ envs: [variable] }), {}, "h"), refused, variable.key);
  }
});

test("the working directory is the request's, the image's, or the root", () => {
  assert.equal(workingDirectory(containerConfig({ workingDir: "/a" }), { WorkingDir: "/b" }), "/a");
  assert.equal(workingDirectory(containerConfig(), { WorkingDir: "/b" }), "/b");
  assert.equal(workingDirectory(containerConfig(), {}), "/");
  assert.throws(() => workingDirectory(containerConfig({ workingDir: "a" }), {}), refused);
});

test("an exec is the container's process with another command", () => {
  const first = {
    terminal: false,
    user: { uid: 1000, gid: 1000, additionalGids: [] },
    args: ["server"],
    env: ["A=b"],
    cwd: "/srv",
    capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
    rlimits: [],
    noNewPrivileges: true,
  };
  assert.deepEqual(execProcess(first, ["ls", "-l"], false), { ...first, args: ["ls", "-l"] });
  const terminal = execProcess(first, ["sh"], true);
  assert.deepEqual([terminal.terminal, terminal.env], [true, ["A=b", "TERM=xterm"]]);
  assert.throws(() => execProcess(first, [], false), refused);
  assert.throws(() => execProcess(first, ["a\0"], false), refused);
});

test("the stop signal is the request's, else the image's, else SIGTERM", () => {
  assert.equal(stopSignal(Signal.SIGNAL_SIGQUIT, "SIGINT"), "SIGQUIT");
  assert.equal(stopSignal(Signal.SIGNAL_SIGRTMINPLUS3, undefined), "SIGRTMIN+3");
  assert.equal(stopSignal(Signal.SIGNAL_SIGRTMAXMINUS1, undefined), "SIGRTMAX-1");
  assert.equal(stopSignal(Signal.SIGNAL_RUNTIME_DEFAULT, undefined), "SIGTERM");
  for (const [given, expected] of [
    ["SIGINT", "SIGINT"],
    ["int", "SIGINT"],
    ["9", "9"],
    ["SIGNONSENSE", "SIGTERM"],
    ["999", "SIGTERM"],
    ["", "SIGTERM"],
  ] as const) {
    assert.equal(stopSignal(Signal.SIGNAL_RUNTIME_DEFAULT, given), expected, given);
  }
  assert.throws(() => stopSignal(4711 as Signal, undefined), refused);
});

test("every signal that CRI names has a number", () => {
  for (const signal of Object.values(Signal)) {
    const name = stopSignal(signal, undefined);
    assert.ok(signalNumber(name) !== undefined, name);
  }
  assert.deepEqual(
    ["SIGKILL", "SIGRTMIN", "SIGRTMIN+15", "SIGRTMAX-14", "SIGRTMAX", "15"].map(signalNumber),
    [9, 34, 49, 50, 64, 15],
  );
  for (const name of ["SIGRTMIN-1", "SIGRTMAX+1", "0", "65", "TERM"]) {
    assert.equal(signalNumber(name), undefined, name);
  }
});
