import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { test } from "node:test";
import { type Fd, memfd, openPath, pipe, readStream } from "../../../src/native/fd.ts";
import {
  type Exit,
  openPid,
  type SpawnOptions,
  signalPid,
  spawn,
  watchPid,
} from "../../../src/native/process.ts";

const openFds = () => readdirSync("/proc/self/fd").length;
const { SIGKILL, SIGTERM } = constants.signals;

const exitOf = (pidfd: Fd) => new Promise<Exit | undefined>((resolve) => void watchPid(pidfd, resolve));

/** Runs a shell script to its end: what it printed, and how it ended. */
async function shell(script: string, options: Partial<SpawnOptions> = {}) {
  const { read, write } = pipe();
  const child = spawn({
    file: "/bin/sh",
    args: ["-c", script],
    env: {},
    ...options,
    stdio: { 1: write, ...options.stdio },
  });
  write.close();
  const exit = exitOf(child.pidfd);
  const chunks: Buffer[] = [];
  for await (const chunk of readStream(read)) chunks.push(chunk as Buffer);
  const ended = await exit;
  child.pidfd.close();
  return { output: Buffer.concat(chunks).toString(), exit: ended };
}

test("arguments, environment, directory and descriptors arrive; nothing else does", async () => {
  using given = memfd("given", "from three");
  const { output, exit } = await shell(
    'echo "$A|$0|$1|$PWD"; cat <&3; env | sort | tr "\\n" " "; ls /proc/self/fd | wc -l',
    {
      args: ["-c", 'echo "$A|$1|$(pwd)"; cat <&3; echo; env; ls /proc/self/fd | wc -l', "sh", "two words"],
      env: { A: "1" },
      cwd: "/proc",
      fds: [given],
    },
  );
  assert.equal(output, "1|two words|/proc\nfrom three\nA=1\nPWD=/proc\n5\n");
  assert.deepEqual(exit, { code: 0, signal: 0 });
});

test("exit statuses and deaths by signal are told apart", async () => {
  assert.deepEqual((await shell("exit 7")).exit, { code: 7, signal: 0 });
  assert.deepEqual((await shell("kill -9 $$")).exit, { code: 0, signal: SIGKILL });
});

test("standard input is /dev/null unless given", async () => {
  assert.equal((await shell("readlink /proc/self/fd/0")).output, "/dev/null\n");
  using input = memfd("input", "line\n");
  assert.equal((await shell("cat", { stdio: { 0: input } })).output, "line\n");
});

test("signals that Node ignores are at their default in the child", async () => {
  const { output } = await shell("grep -E 'SigBlk|SigIgn' /proc/self/status");
  for (const line of output.trim().split("\n")) assert.match(line, /\t0+$/);
});

test("a program that cannot be started is an error with its reason, and leaves nothing", () => {
  const before = openFds();
  const attempt = (file: string, more: Partial<SpawnOptions> = {}) =>
    spawn({ file, args: [], env: {}, ...more });
  assert.throws(() => attempt("/nonexistent/program"), {
    code: "NOT_FOUND",
    message: 'execve "/nonexistent/program": No such file or directory (ENOENT)',
  });
  assert.throws(() => attempt("/etc/passwd"), { code: "PERMISSION_DENIED" });
  assert.throws(() => attempt("true"), { code: "INVALID_ARGUMENT", reason: /must be named by a path/ });
  assert.throws(() => attempt("/bin/true", { cwd: "/nonexistent" }), {
    code: "NOT_FOUND",
    operation: "chdir",
  });
  assert.throws(() => attempt("/bin/true", { cgroup: "/nonexistent/cgroup" }), {
    code: "NOT_FOUND",
    object: '"/nonexistent/cgroup"',
  });
  assert.throws(() => attempt("/bin/true", { cgroup: "/tmp" }), { operation: "clone3" });
  assert.throws(() => attempt("/bin/true", { env: { A: "a\0b" } }), TypeError);
  assert.equal(openFds(), before);
  const zombies = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8");
  assert.equal(zombies.trim(), "");
});

test("a child is signalled by its pidfd, and not after its end", async () => {
  using child = { ...spawn({ file: "/bin/sleep", args: ["60"], env: {} }), [Symbol.dispose]() {} };
  const exit = exitOf(child.pidfd);
  assert.equal(signalPid(child.pidfd, 0), true);
  assert.equal(signalPid(child.pidfd, SIGTERM), true);
  assert.deepEqual(await exit, { code: 0, signal: SIGTERM });
  assert.equal(signalPid(child.pidfd, SIGTERM), false);
  assert.throws(() => openPid(child.pid), { code: "NOT_FOUND" });
  child.pidfd.close();
});

test("the end of somebody else's process is seen, without a status", async () => {
  // The shell prints the PID of a child of its own.
  const { read, write } = pipe();
  const shell = spawn({
    file: "/bin/sh",
    args: ["-c", "sleep 60 & echo $!; wait"],
    env: {},
    stdio: { 1: write },
  });
  write.close();
  const reaped = exitOf(shell.pidfd);
  const stream = readStream(read);
  const pid = Number(await new Promise((resolve) => stream.once("data", (data) => resolve(String(data)))));
  stream.destroy();
  using grandchild = openPid(pid);
  const seen = exitOf(grandchild);
  signalPid(grandchild, SIGKILL);
  assert.equal(await seen, undefined);
  assert.deepEqual(await reaped, { code: 0, signal: 0 });
  shell.pidfd.close();
});

test("a watch that was closed says nothing; its descriptor may be closed at once", async () => {
  const before = openFds();
  const child = spawn({ file: "/bin/true", args: [], env: {} });
  const closed = watchPid(child.pidfd, () => assert.fail("closed"));
  closed.close();
  closed.close();
  const exit = exitOf(child.pidfd);
  child.pidfd.close();
  assert.deepEqual(await exit, { code: 0, signal: 0 });
  assert.equal(openFds(), before);
});

test("a hundred children at once leave no descriptor and no zombie", async () => {
  const before = openFds();
  const children = Array.from({ length: 100 }, () => spawn({ file: "/bin/true", args: [], env: {} }));
  const exits = children.map(({ pidfd }) => exitOf(pidfd));
  for (const { pidfd } of children) pidfd.close();
  for (const exit of await Promise.all(exits)) assert.deepEqual(exit, { code: 0, signal: 0 });
  assert.equal(openFds(), before);
  assert.equal(readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim(), "");
});

test("a path through a file is the caller's mistake", () => {
  using fd = openPath("/bin/true", 0);
  assert.throws(() => spawn({ file: `/proc/self/fd/${fd.number}/x`, args: [], env: {} }), {
    code: "INVALID_ARGUMENT",
    message: /ENOTDIR/,
  });
});
