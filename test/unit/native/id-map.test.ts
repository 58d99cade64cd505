import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type IdExtent, isWithin, outerId } from "../../../src/native/id-map.ts";

const node: IdExtent[] = [
  [0, 1000, 1],
  [1, 100_000, 65_536],
  [65_537, 300_000, 100],
];

test("an id is another one outside, or none", () => {
  assert.equal(outerId(node, 0), 1000);
  assert.equal(outerId(node, 65_536), 165_535);
  assert.equal(outerId(node, 65_537), 300_000);
  assert.equal(outerId(node, 65_637), undefined);
});

test("a map lies within the node's ids over the borders of extents, and not a single id beyond", () => {
  assert.ok(isWithin([[0, 0, 65_637]], node));
  assert.ok(isWithin([[0, 65_536, 101]], node));
  assert.ok(!isWithin([[0, 65_536, 102]], node));
  assert.ok(!isWithin([[0, 70_000, 1]], node));
  assert.ok(!isWithin([[0, 0, 1]], []));
});

test("a map is within exactly when each of its ids is", () => {
  const small = fc.nat(30);
  fc.assert(
    fc.property(small, fc.integer({ min: 1, max: 20 }), small, small, (start, length, gap, count) => {
      const around: IdExtent[] = [
        [0, 0, 10],
        [10 + gap, 500, count],
      ];
      const each = Array.from({ length }, (_, i) => outerId(around, start + i) !== undefined);
      assert.equal(isWithin([[0, start, length]], around), each.every(Boolean));
    }),
  );
});
