import assert from "node:assert/strict";
import { test } from "node:test";
import { ReadBuffer } from "../../../src/native/read-buffer.ts";

test("memory of a stream grows once, when 4 MiB have come; what was read last stays as it is", () => {
  const memory = new ReadBuffer();
  const small = memory.current;
  assert.equal(small.length, 64 * 1024);
  for (let reads = 1; reads < 64; reads++) assert.equal(memory.came(small.length), false);
  assert.equal(memory.current, small);
  small.fill("x");
  assert.equal(memory.came(small.length), true);
  assert.equal(memory.current.length, 256 * 1024);
  memory.current.fill("y");
  assert.equal(small.toString(), "x".repeat(small.length));
  const large = memory.current;
  for (let reads = 0; reads < 100; reads++) assert.equal(memory.came(large.length), false);
  assert.equal(memory.current, large);
});
