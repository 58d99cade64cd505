import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { halves } from "../../../src/cri/messages/halves.ts";

test("two halves are the whole number, and less than 2^32 each", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), (number) => {
      const { low, high } = halves(number);
      assert.ok(low >= 0 && low < 2 ** 32 && high >= 0 && high < 2 ** 31);
      assert.equal((BigInt(high) << 32n) | BigInt(low), number);
      assert.equal(halves(number), halves(number));
    }),
  );
});
