import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { openSocket } from "../../../src/image/registry/dial.ts";
import { ReadMemory } from "../../../src/image/registry/read-memory.ts";

test("memory is used again once all of it was given back", () => {
  const memory = new ReadMemory();
  const first = memory.take();
  memory.giveBack(memory.filled(first, 10));
  const second = memory.take();
  assert.equal(second.buffer, first.buffer);
  assert.equal(second.length, first.length);
});

test("of a part others may be looked at, so its memory is not used again", () => {
  const memory = new ReadMemory();
  const taken = memory.take();
  const read = memory.filled(taken, 10);
  for (const part of [read.subarray(0, 9), read.subarray(1), read.subarray(0, 0)]) memory.giveBack(part);
  assert.notEqual(memory.take().buffer, taken.buffer);
});

test("memory from elsewhere, or given back twice, is let alone", () => {
  const memory = new ReadMemory();
  memory.giveBack(Buffer.allocUnsafeSlow(10));
  const read = memory.filled(memory.take(), 10);
  memory.giveBack(read);
  memory.giveBack(read);
  assert.notEqual(memory.take().buffer, memory.take().buffer);
});

test("a few buffers wait at the most", () => {
  const memory = new ReadMemory();
  const many = Array.from({ length: 50 }, () => memory.filled(memory.take(), 1));
  const given = new Set(many.map(({ buffer }) => buffer));
  assert.equal(given.size, many.length);
  for (const read of many) memory.giveBack(read);
  const again = Array.from({ length: 50 }, () => memory.take().buffer).filter((buffer) => given.has(buffer));
  assert.ok(again.length > 0 && again.length < 20);
});

test("a socket reads to such memory, each read by itself, and the bytes are the sender's", async (t) => {
  const sent = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 7 + (i >> 8)) & 255));
  const server = createServer((socket) => socket.end(sent)).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const memory = new ReadMemory();
  const used = new Set<ArrayBufferLike>();
  const socket = await openSocket(undefined, "127.0.0.1", port, 5000, memory);
  const received: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    used.add(chunk.buffer);
    received.push(Buffer.from(chunk));
    memory.giveBack(chunk);
  }
  assert.ok(Buffer.concat(received).equals(sent));
  assert.ok(used.size < 8, `${used.size} buffers for ${received.length} reads`);
});
