import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { Duplex, Writable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { retakeSocket } from "../../../src/native/fd.ts";
import type { Headers } from "../../../src/streaming/spdy/headers.ts";
import { SpdyStream, type StreamCarrier } from "../../../src/streaming/spdy/stream.ts";

class Carrier implements StreamCarrier {
  unblockings = 0;
  sendData(_id: number, _chunk: Buffer, taken: () => void): void {
    taken();
  }
  sendFin(): void {}
  reset(): void {}
  unblocked(): void {
    this.unblockings++;
  }
  gone(): void {}
}

const headers: Headers = new Map();
const open = (carrier: Carrier) =>
  new SpdyStream(carrier, 1, headers, { highWaterMark: 1000, onChunk: true });

/** Memory that the connection reads into again and again. */
function borrowed(text: string): Buffer {
  const memory = Buffer.from(text);
  setImmediate(() => memory.fill("!"));
  return memory;
}

test("a stream keeps its own copy of what lies in borrowed memory, until it is to go somewhere", async () => {
  const carrier = new Carrier();
  const stream = open(carrier);
  assert.equal(stream.receive(borrowed("early "), false), true);
  await new Promise(setImmediate);
  const parts: string[] = [];
  let proceed = () => {};
  const target = new Writable({
    highWaterMark: 1,
    write(chunk: Buffer, _encoding, done) {
      parts.push(String(chunk));
      proceed = done;
    },
  });
  stream.into(target);
  proceed();
  await new Promise(setImmediate);
  // From now on the connection waits until the target has taken each part.
  assert.equal(stream.receive(Buffer.from("one "), false), false);
  assert.equal(stream.receive(Buffer.from("two"), true), false);
  await new Promise(setImmediate);
  assert.equal(carrier.unblockings, 0);
  proceed();
  await new Promise(setImmediate);
  assert.equal(carrier.unblockings, 0, "one part is still out");
  proceed();
  await once(target, "finish");
  assert.equal(carrier.unblockings, 1);
  assert.equal(parts.join(""), "early one two");
});

test("an end that came before is passed on, and what a failed target does not take is dropped", async () => {
  const ended = open(new Carrier());
  ended.receive(Buffer.from("all"), true);
  const { readable, writable } = passage();
  ended.into(writable);
  assert.equal(String(await buffer(readable)), "all");

  const carrier = new Carrier();
  const stream = open(carrier);
  const target = new Writable({ write: () => {} });
  stream.into(target);
  assert.equal(stream.receive(Buffer.from("lost"), false), false);
  target.destroy();
  await once(target, "close");
  await new Promise(setImmediate);
  assert.equal(carrier.unblockings, 1);
  assert.equal(stream.receive(Buffer.from("dropped"), false), true);
});

function passage(): { readable: Duplex; writable: Duplex } {
  const parts: Buffer[] = [];
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      parts.push(chunk);
      done();
    },
    final(done) {
      for (const part of parts) this.push(part);
      this.push(null);
      done();
    },
  });
  return { readable: stream, writable: stream };
}

test("a retaken socket is the same connection: both ways, half-closed, and paused", async () => {
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const { connect } = await import("node:net");
  const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const [accepted] = (await once(server, "connection")) as [Socket];
  const retaken = retakeSocket(accepted);
  assert.ok(retaken);
  const { socket, onChunk } = retaken;
  let heard = 0;
  let xs = 0;
  onChunk((chunk) => {
    if (heard === 0) socket.pause();
    heard += chunk.length;
    xs += chunk.filter((byte) => byte === 0x78).length;
  });
  assert.ok(accepted.destroyed);
  const [first, rest] = ["x".repeat(1_000_000), "y".repeat(5_000_000)];
  client.end(first + rest);
  while (heard === 0) await new Promise(setImmediate);
  const paused = heard;
  for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
  assert.equal(heard, paused, "it went on reading");
  socket.resume();
  await once(socket, "end");
  assert.deepEqual([xs, heard], [first.length, first.length + rest.length]);
  socket.end("answer");
  assert.equal(String(await buffer(client)), "answer");
  server.close();
  assert.equal(retakeSocket(passage().readable), undefined);
});
