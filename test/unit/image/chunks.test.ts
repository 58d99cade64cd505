import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { chunksOf } from "../../../src/image/registry/chunks.ts";

/** A stream that has a chunk at once whenever it is asked, as undici's bodies have. */
function eager(chunks: Buffer[], end: (stream: Readable) => void = (stream) => stream.push(null)): Readable {
  const waiting = [...chunks];
  return new Readable({
    highWaterMark: 1,
    read() {
      const next = waiting.shift();
      if (next === undefined) end(this);
      else this.push(next);
    },
  });
}

const parts = [Buffer.from("one"), Buffer.from("two"), Buffer.from("three")];

test("chunks come one by one and are the stream's own memory", async () => {
  const seen: Uint8Array[] = [];
  for await (const chunk of chunksOf(eager(parts))) {
    seen.push(chunk);
    await turn();
  }
  assert.equal(seen.length, parts.length);
  for (const [i, chunk] of seen.entries()) assert.equal(chunk, parts[i]);
});

test("a stream with nothing in it ends", async () => {
  for await (const _ of chunksOf(eager([]))) assert.fail();
});

test("nothing more is read before the next chunk is asked for", async () => {
  let asked = 0;
  const stream = new Readable({
    highWaterMark: 1,
    read() {
      asked++;
      this.push(Buffer.from("x"));
    },
  });
  const chunks = chunksOf(stream);
  await chunks.next();
  for (let i = 0; i < 10; i++) await turn();
  const before = asked;
  assert.ok(before <= 2, `${before} reads for one chunk`);
  await chunks.next();
  assert.ok(asked <= before + 1);
  await chunks.return(undefined);
});

test("whoever stops early destroys the stream", async () => {
  const stream = eager(parts);
  for await (const _ of chunksOf(stream)) break;
  assert.ok(stream.destroyed);
});

test("a failure is thrown after what has come before it", async () => {
  const failing = eager(parts.slice(0, 2), (stream) => stream.destroy(new Error("cut off")));
  const seen: string[] = [];
  const reading = (async () => {
    for await (const chunk of chunksOf(failing)) seen.push(Buffer.from(chunk).toString());
  })();
  await assert.rejects(reading, /cut off/);
  assert.deepEqual(seen, ["one", "two"]);
});

test("a stream that is closed before its end is a failure", async () => {
  const closing = eager(parts.slice(0, 1), (stream) => stream.destroy());
  const reading = (async () => {
    for await (const _ of chunksOf(closing));
  })();
  await assert.rejects(reading, /closed before its end/);
});
