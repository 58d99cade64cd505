import assert from "node:assert/strict";
import { test } from "node:test";
import { passed } from "../../../src/native/buffers.ts";

test("young objects are collected once in eight mebibytes, and nothing is asked of a Node without --expose-gc", (t) => {
  const before = globalThis.gc;
  t.after(() => {
    globalThis.gc = before;
  });
  let collections = 0;
  globalThis.gc = (() => collections++) as unknown as NonNullable<typeof globalThis.gc>;
  for (let mebibytes = 0; mebibytes < 80; mebibytes++) passed(1 << 20);
  assert.equal(collections, 10);
  globalThis.gc = undefined;
  passed(100 << 20);
});
