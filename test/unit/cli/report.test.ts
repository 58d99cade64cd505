import assert from "node:assert/strict";
import { test } from "node:test";
import { Metadata } from "@grpc/grpc-js";
import { withEach } from "../../../src/cli/context.ts";
import { explain, failureStatus, notExecuted } from "../../../src/cli/report.ts";
import { socketOf } from "../../../src/cli/socket.ts";
import { toServiceError } from "../../../src/cri/status.ts";
import { LichenError } from "../../../src/errors.ts";

const callError = (code: number, details: string, hint?: string): Error => {
  const metadata = new Metadata();
  if (hint !== undefined) metadata.set("lichen-hint-bin", Buffer.from(hint));
  return Object.assign(new Error(`${code} ${details}`), { code, details, metadata });
};

test("an error of ours is its message and its hint", () => {
  const error = new LichenError({
    code: "NOT_FOUND",
    operation: "find",
    object: "x",
    reason: "gone",
    hint: "look",
  });
  assert.deepEqual(explain(error, "/s"), { message: "find x: gone", hint: "look" });
});

test("of several names each is done or said to have failed", async () => {
  const done: string[] = [];
  const work = async (name: string) => {
    if (name.startsWith("bad")) throw new Error(`${name} failed`);
    done.push(name);
  };
  await withEach(["a", "b"], work);
  await assert.rejects(withEach(["bad1", "c"], work), { message: "bad1 failed" });
  const both = withEach(["bad1", "d", "bad2"], work);
  await assert.rejects(both, (error: AggregateError) => {
    assert.deepEqual(
      error.errors.map(({ message }) => message),
      ["bad1 failed", "bad2 failed"],
    );
    return true;
  });
  assert.deepEqual(done, ["a", "b", "c", "d"]);
});

test("a call that reaches nobody says how to start the daemon", () => {
  for (const why of ["connect ENOENT /s", "connect ECONNREFUSED /s"]) {
    const told = explain(callError(14, `No connection established. Last error: Error: ${why}`), "/s");
    assert.deepEqual(told, {
      message: "connect /s: no daemon listens there",
      hint: "start it with: lichen serve",
    });
  }
});

test("the daemon's hint has a line of its own", () => {
  const told = explain(
    callError(5, "pull image x: no such image (look – twice (really))", "look – twice (really)"),
    "/s",
  );
  assert.deepEqual(told, { message: "pull image x: no such image", hint: "look – twice (really)" });
  const daemons = toServiceError(
    new LichenError({
      code: "NOT_FOUND",
      operation: "find",
      object: "x",
      reason: "gone",
      hint: "such’s life",
    }),
  );
  assert.deepEqual(explain(daemons, "/s"), { message: "find x: gone", hint: "such’s life" });
});

test("run and exec end with 126 or 127 for a command that cannot be executed, with 125 for all else", () => {
  for (const [command, exitStatus, expected] of [
    ["run", 127, 127],
    ["exec", 126, 126],
    ["exec", 0, 125],
    ["run", 128, 125],
    ["logs", 127, 1],
  ] as const)
    assert.equal(failureStatus(command, notExecuted(new Error("x"), exitStatus)), expected, command);
  assert.equal(failureStatus("run", new Error("x")), 125);
  assert.equal(failureStatus("run", notExecuted("thrown text", 127)), 125);
});

test("what a daemon without hints says is passed on", () => {
  assert.deepEqual(explain(callError(5, "pull image x: no such image"), "/s"), {
    message: "pull image x: no such image",
  });
  assert.deepEqual(explain("odd", "/s"), { message: "odd" });
});

test("a registry that the daemon could not reach is not taken for a missing daemon", () => {
  const message = "connect 127.0.0.1:1: ECONNREFUSED";
  assert.deepEqual(explain(callError(14, message), "/s"), { message });
});

test("the socket: an address as crictl writes it, else the runtime directory's", () => {
  assert.equal(socketOf({ address: "unix:///run/x.sock" }), "/run/x.sock");
  assert.equal(socketOf({ address: "/run/x.sock", runtimeDir: "/ignored" }), "/run/x.sock");
  assert.equal(socketOf({ runtimeDir: "/run/l" }), "/run/l/lichen.sock");
});
