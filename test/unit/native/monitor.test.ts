import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Channel } from "../../../src/native/channel.ts";
import { nativeCode } from "../../../src/native/failure.ts";
import { type Fd, memfd, pipe, socketPair } from "../../../src/native/fd.ts";
import { connectMonitor, Monitor } from "../../../src/native/monitor.ts";
import type { MonitorEvent } from "../../../src/native/monitor-wire.ts";
import { SeccompFilters } from "../../../src/native/seccomp-filters.ts";

const openFds = () => readdirSync("/proc/self/fd").length;
/** The same once what an earlier test has closed is closed on both sides. */
const settledFds = async () => {
  for (let i = 0; i < 5; i++) await turn();
  return openFds();
};

interface Asked {
  id: number;
  op: string;
  [field: string]: unknown;
}

/** A Monitor whose other side is `answer`: what it returns is sent back, with descriptors it may give. */
function withPeer(answer: (asked: Asked, fds: Fd[]) => [reply: object, fds?: Fd[]] | undefined) {
  const [ours, theirs] = socketPair();
  const events: MonitorEvent[] = [];
  const closed = Promise.withResolvers<unknown>();
  const monitor = new Monitor(ours, "feedbeef", {
    event: (event) => events.push(event),
    close: closed.resolve,
  });
  const peer = Channel.from(theirs, {
    message(value, fds) {
      const asked = value as Asked;
      const [reply, gifts = []] = answer(asked, fds) ?? [];
      for (const fd of fds) fd.close();
      if (reply) peer.send({ id: asked.id, ...reply }, gifts);
      for (const fd of gifts) fd.close();
    },
    close() {},
  });
  return { monitor, peer, events, closed: closed.promise };
}

test("operations become requests as PROTOCOL.md has them", async () => {
  const seen: Asked[] = [];
  const { monitor } = withPeer((asked) => {
    seen.push(asked);
    return [
      {
        ok:
          asked.op === "hello"
            ? { version: 1, pid: 77, pod: "p", ready: false, initPid: 0, containers: [] }
            : {},
      },
    ];
  });
  await monitor.hello();
  assert.equal(monitor.pid, 77);
  await monitor.start("c");
  await monitor.signal("c", 15, true);
  await monitor.delete("c");
  await monitor.killExec("e", 9);
  await monitor.resize({ exec: "e" }, 80, 24);
  await monitor.resize({ container: "c" }, 1, 2);
  await monitor.reopenLog("c");
  await monitor.shutdown();
  assert.deepEqual(
    seen.map(({ id, ...rest }) => rest),
    [
      { op: "hello", version: 1 },
      { op: "start", container: "c" },
      { op: "signal", container: "c", signal: 15, all: true },
      { op: "delete", container: "c" },
      { op: "exec-kill", exec: "e", signal: 9 },
      { op: "resize", exec: "e", cols: 80, rows: 24 },
      { op: "resize", container: "c", cols: 1, rows: 2 },
      { op: "reopen-log", container: "c" },
      { op: "shutdown" },
    ],
  );
  assert.equal(new Set(seen.map(({ id }) => id)).size, seen.length);
  monitor.close();
});

const create = {
  container: "c",
  cgroup: "",
  terminal: false,
  stdin: false,
  stdinOnce: false,
  log: "",
  pid: "container",
  targetPid: 0,
} as const;
const exec = { container: "c", exec: "e", terminal: false, timeoutMs: 0, cols: 0, rows: 0 };

test("create brings an equal profile's filter along, and keeps the one that comes back", async () => {
  const given: string[][] = [];
  const { monitor, closed, peer } = withPeer((_, fds) => {
    given.push(fds.slice(2).map((fd) => readFileSync(`/proc/self/fd/${fd.number}`, "utf8")));
    return fds.length === 3 ? [{ ok: { pid: 2 } }] : [{ ok: { pid: 1 } }, [memfd("filter", "compiled")]];
  });
  const filters = new SeccompFilters();
  const mount = memfd("root", "");
  const spec = { ociVersion: "1.2.0", linux: { seccomp: { defaultAction: "SCMP_ACT_ERRNO" } } };
  assert.deepEqual(await monitor.create(create, spec, mount, filters), { pid: 1 });
  assert.deepEqual(await monitor.create(create, structuredClone(spec), mount, filters), { pid: 2 });
  assert.deepEqual(given, [[], ["compiled"]]);
  filters.find(spec.linux.seccomp)?.close();
  mount.close();
  peer.close();
  assert.equal(await closed, undefined);
});

test("create carries the spec as a sealed memfd and the root beside it", async () => {
  const before = await settledFds();
  let spec = "";
  let root = "";
  const { monitor, closed, peer } = withPeer((_, fds) => {
    assert.equal(fds.length, 2);
    spec = readFileSync(`/proc/self/fd/${fds[0]?.number}`, "utf8");
    root = readFileSync(`/proc/self/fd/${fds[1]?.number}`, "utf8");
    return [{ ok: { pid: 42 } }];
  });
  const mount = memfd("root", "root file system");
  // Larger than a packet could ever be.
  const large = { ociVersion: "1.2.0", process: { args: Array(20_000).fill("argument") } };
  assert.deepEqual(await monitor.create(create, large, mount), { pid: 42 });
  assert.deepEqual(JSON.parse(spec), large);
  assert.equal(root, "root file system");
  assert.equal(mount.closed, false);
  mount.close();
  peer.close();
  assert.equal(await closed, undefined);
  assert.equal(await settledFds(), before);
});

test("exec names the streams that follow, and gives the terminal back", async () => {
  const asked: Asked[] = [];
  const counts: number[] = [];
  const { monitor } = withPeer((request, fds) => {
    asked.push(request);
    counts.push(fds.length);
    return [{ ok: { pid: 43 } }, request.terminal ? [memfd("terminal", "a terminal")] : []];
  });
  const { read, write } = pipe();
  assert.deepEqual(await monitor.exec(exec, { args: ["true"] }, { stdout: write, stderr: write }), {
    pid: 43,
  });
  assert.deepEqual(asked[0]?.streams, ["stdout", "stderr"]);
  assert.equal(counts[0], 3);
  const { terminal } = await monitor.exec({ ...exec, terminal: true }, { args: ["sh"] });
  assert.deepEqual(asked[1]?.streams, []);
  assert.equal(readFileSync(`/proc/self/fd/${terminal?.number}`, "utf8"), "a terminal");
  for (const fd of [read, write, terminal]) fd?.close();
  monitor.close();
});

test("a refusal is an error with its operation, object, cause and code", async () => {
  const { monitor } = withPeer(() => [
    {
      error: {
        operation: "mount",
        object: '"/data"',
        cause: "Operation not permitted",
        code: "EPERM",
        errno: 1,
      },
    },
  ]);
  await assert.rejects(monitor.start("c"), (error: Error) => {
    assert.equal(error.message, 'mount "/data": Operation not permitted (EPERM)');
    assert.equal((error as { code?: string }).code, "PERMISSION_DENIED");
    assert.equal(nativeCode(error), "EPERM");
    return true;
  });
  monitor.close();
});

test("answers may come in any order; events come between them", async () => {
  const waiting: Asked[] = [];
  const { monitor, peer, events } = withPeer((asked) => {
    waiting.push(asked);
    return undefined;
  });
  const slow = monitor.start("slow");
  const quick = monitor.start("quick");
  while (waiting.length < 2) await turn();
  const exit = { event: "exit", container: "x", code: 1, signal: 0, at: "5", oom: false };
  peer.send({ id: waiting[1]?.id, ok: { startedAt: "2" } });
  peer.send(exit);
  peer.send({ id: waiting[0]?.id, ok: { startedAt: "1" } });
  assert.deepEqual(await quick, { startedAt: "2" });
  assert.deepEqual(await slow, { startedAt: "1" });
  assert.deepEqual(events, [exit]);
  monitor.close();
});

test("requests fail when the monitor dies, and when the connection is closed by us", async () => {
  const first = withPeer(() => undefined);
  const pending = first.monitor.start("c");
  first.peer.close();
  await assert.rejects(pending, { code: "UNAVAILABLE", object: "feedbeef" });
  await first.closed;
  await assert.rejects(first.monitor.start("c"), { code: "UNAVAILABLE" });
  const second = withPeer(() => undefined);
  const other = second.monitor.start("c");
  second.monitor.close();
  await assert.rejects(other, { code: "UNAVAILABLE" });
});

test("an answer that never comes is an error after the deadline, and nothing is left of it", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const before = await settledFds();
  const asked: Asked[] = [];
  const { monitor, peer, closed } = withPeer((request) => {
    asked.push(request);
    return undefined;
  });
  const late = monitor.reopenLog("c");
  while (asked.length === 0) await turn();
  context.mock.timers.tick(10_000);
  await assert.rejects(late, {
    code: "DEADLINE_EXCEEDED",
    message: "monitor reopen-log feedbeef: no answer within 10000 ms",
  });
  // It comes after all, with descriptors that nobody waits for.
  const gift = memfd("gift", "");
  peer.send({ id: asked[0]?.id, ok: {} }, [gift, gift]);
  gift.close();
  await turn();
  peer.close();
  await closed;
  assert.equal(await settledFds(), before);
});

test("a directory without a monitor is told by its code", async (t) => {
  const handlers = { event() {}, close() {} };
  const directory = mkdtempSync(join(tmpdir(), "lichen-monitor-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const before = await settledFds();
  await assert.rejects(connectMonitor(directory, handlers), { code: "NOT_FOUND", operation: "connect" });
  await assert.rejects(connectMonitor(join(directory, "none"), handlers), {
    code: "NOT_FOUND",
    operation: "open",
  });
  assert.equal(await settledFds(), before);
});
