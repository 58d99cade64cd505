import assert from "node:assert/strict";
import { once } from "node:events";
import { fstatSync, readdirSync, readFileSync, readSync, writeSync } from "node:fs";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { LichenError } from "../../../src/errors.ts";
import { Channel } from "../../../src/native/channel.ts";
import { type Fd, memfd, pipe, socketPair } from "../../../src/native/fd.ts";

const openFds = () => readdirSync("/proc/self/fd").length;

interface Side {
  channel: Channel;
  received: unknown[];
  fds: Fd[];
  closed: Promise<LichenError | undefined>;
  /** Settles when `count` messages have come. */
  got(count: number): Promise<void>;
}

function side(fd: Fd): Side {
  const received: unknown[] = [];
  const fds: Fd[] = [];
  const closed = Promise.withResolvers<LichenError | undefined>();
  let waiting: (() => void) | undefined;
  const channel = Channel.from(fd, {
    message(value, more) {
      received.push(value);
      fds.push(...more);
      waiting?.();
    },
    close: closed.resolve,
  });
  const got = async (count: number) => {
    while (received.length < count) await new Promise<void>((resolve) => (waiting = resolve));
  };
  return { channel, received, fds, closed: closed.promise, got };
}

function sides(): [Side, Side] {
  const [one, two] = socketPair();
  return [side(one), side(two)];
}

test("JSON goes both ways, in order", async () => {
  const [a, b] = sides();
  for (let i = 0; i < 100; i++) a.channel.send({ i, text: "größe ☃" });
  b.channel.send(["answer", null]);
  await b.got(100);
  await a.got(1);
  assert.deepEqual(b.received[99], { i: 99, text: "größe ☃" });
  assert.deepEqual(
    b.received.map((m) => (m as { i: number }).i),
    Array.from({ length: 100 }, (_, i) => i),
  );
  assert.deepEqual(a.received, [["answer", null]]);
  a.channel.close();
  assert.equal(await b.closed, undefined);
});

test("descriptors travel; the sender keeps its own, the receiver's are close-on-exec", async () => {
  const before = openFds();
  const [a, b] = sides();
  const { read, write } = pipe();
  const file = memfd("gift", "content");
  a.channel.send({ op: "take" }, [write, file]);
  assert.equal(write.closed, false);
  write.close();
  await b.got(1);
  const [theirWrite, theirFile] = b.fds as [Fd, Fd];
  assert.equal(fstatSync(theirFile.number).ino, fstatSync(file.number).ino);
  writeSync(theirWrite.number, "x");
  assert.equal(readSync(read.number, Buffer.alloc(1)), 1);
  assert.match(readFileSync(`/proc/self/fdinfo/${theirWrite.number}`, "utf8"), /flags:\s+02\d{6}/);
  for (const fd of [read, file, theirWrite, theirFile]) fd.close();
  a.channel.close();
  await b.closed;
  assert.equal(openFds(), before);
});

test("what the socket does not take is queued, descriptors included, and arrives in order", async () => {
  const before = openFds();
  const [a, b] = sides();
  const body = "x".repeat(60_000);
  const gift = memfd("gift", "kept");
  for (let i = 0; i < 50; i++) a.channel.send({ i, body }, i % 10 === 0 ? [gift] : []);
  assert.ok(a.channel.queued > 0, "the queue was never needed");
  gift.close();
  await b.got(50);
  assert.deepEqual(
    b.received.map((m) => (m as { i: number }).i),
    Array.from({ length: 50 }, (_, i) => i),
  );
  assert.equal(b.fds.length, 5);
  for (const fd of b.fds) assert.equal(readFileSync(`/proc/self/fd/${fd.number}`, "utf8"), "kept");
  for (const fd of b.fds) fd.close();
  while (a.channel.queued > 0) await turn();
  a.channel.close();
  await b.closed;
  assert.equal(openFds(), before);
});

test("a peer that reads nothing is refused more in the end, and what waits is closed with the channel", () => {
  const before = openFds();
  const [one, two] = socketPair();
  const channel = Channel.from(one, { message() {}, close() {} });
  using gift = memfd("gift", "");
  assert.throws(
    () => {
      for (;;) channel.send({ body: "x".repeat(1000) }, [gift]);
    },
    { code: "RESOURCE_EXHAUSTED", message: /the peer reads nothing/ },
  );
  assert.equal(channel.queued, 1024);
  channel.close();
  gift.close();
  two.close();
  // One of an earlier test may have been closed meanwhile.
  assert.ok(openFds() <= before, `${openFds()} descriptors, ${before} before`);
});

test("limits: 64 KiB and 16 descriptors", async () => {
  const [a, b] = sides();
  const gift = memfd("gift", "");
  a.channel.send("x".repeat(65_534), Array(16).fill(gift));
  assert.throws(() => a.channel.send("x".repeat(65_535)), { code: "INVALID_ARGUMENT" });
  assert.throws(() => a.channel.send("x", Array(17).fill(gift)), { code: "INVALID_ARGUMENT" });
  await b.got(1);
  assert.equal(b.fds.length, 16);
  for (const fd of [gift, ...b.fds]) fd.close();
  a.channel.close();
  b.channel.close();
});

test("sending after the peer or oneself has closed is UNAVAILABLE", async () => {
  const [a, b] = sides();
  b.channel.close();
  assert.throws(() => a.channel.send({}), { code: "UNAVAILABLE" });
  assert.equal(await a.closed, undefined);
  assert.throws(() => a.channel.send({}), { code: "UNAVAILABLE" });
  a.channel.close();
});

test("messages that were sent before the end still arrive", async () => {
  const [a, b] = sides();
  a.channel.send("last words");
  a.channel.close();
  assert.equal(await b.closed, undefined);
  assert.deepEqual(b.received, ["last words"]);
});

test("a packet that is no JSON ends the channel with a reason", async () => {
  const [one, two] = socketPair();
  const b = side(two);
  writeSync(one.number, "{nonsense");
  const error = await b.closed;
  assert.match(error?.message ?? "", /receive packet: the peer sent no JSON/);
  one.close();
});

test("a packet that is too large ends the channel with a reason", async () => {
  const [one, two] = socketPair();
  const b = side(two);
  writeSync(one.number, Buffer.alloc(70_000, 0x20));
  const error = await b.closed;
  assert.equal(error?.code, "INVALID_ARGUMENT");
  assert.match(error?.message ?? "", /more than 64 KiB/);
  one.close();
});

test("a handler may close its own channel, and no message follows", async () => {
  const [one, two] = socketPair();
  const a = side(one);
  let seen = 0;
  const closing = Channel.from(two, {
    message() {
      seen++;
      closing.close();
    },
    close: () => assert.fail("close() was ours"),
  });
  for (let i = 0; i < 5; i++) a.channel.send(i);
  await a.closed;
  await turn();
  assert.equal(seen, 1);
});

/** Runs a worker that uses the addon; its exit code. */
async function worker(body: string): Promise<number> {
  const room = new URL("../../../src/native/", import.meta.url).href;
  const code = `
    const { Channel } = await import("${room}channel.ts");
    const { socketPair, pipe } = await import("${room}fd.ts");
    const { spawn, watchPid } = await import("${room}process.ts");
    const [one, two] = socketPair();
    ${body}`;
  const started = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  const [exit] = (await once(started, "exit")) as [number];
  return exit;
}

test("workers load the addon, and end with channels and watches open", async () => {
  const before = openFds();
  const handlers = "{ message() {}, close() {} }";
  for (let i = 0; i < 5; i++) {
    const open = `const a = Channel.from(one, ${handlers}); const b = Channel.from(two, ${handlers}); a.send(1); pipe();
      const child = spawn({ file: "/bin/sleep", args: ["0.2"], env: {} }); watchPid(child.pidfd, () => {});`;
    assert.equal(await worker(`${open} process.exit(7);`), 7);
    assert.equal(await worker(`${open} a.unref(); b.unref(); a.close();`), 0);
  }
  assert.equal(openFds(), before);
});

test("an exception in a handler is an uncaught exception of its thread", async () => {
  const throwing = "{ message() { throw new Error('mine'); }, close() {} }";
  const body = `process.on("uncaughtException", (error) => process.exit(error.message === "mine" ? 42 : 1));
    Channel.from(one, ${throwing}); Channel.from(two, { message() {}, close() {} }).send(1);`;
  assert.equal(await worker(body), 42);
});

test("unref'd channels do not keep a thread alive", async () => {
  assert.equal(
    await worker(`for (const fd of [one, two]) Channel.from(fd, { message() {}, close() {} }).unref();`),
    0,
  );
});
