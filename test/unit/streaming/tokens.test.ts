import assert from "node:assert/strict";
import { test } from "node:test";
import { LichenError } from "../../../src/errors.ts";
import { TokenCache } from "../../../src/streaming/tokens.ts";

test("a token is good for one use", () => {
  const tokens = new TokenCache<string>(1000, 10);
  const token = tokens.insert("request");
  assert.match(token, /^[\w-]{43}$/);
  assert.equal(tokens.consume(token), "request");
  assert.equal(tokens.consume(token), undefined);
});

test("a token ends with its lifetime, and another one is never taken for it", () => {
  let now = 0;
  const tokens = new TokenCache<string>(1000, 10, () => now);
  const token = tokens.insert("request");
  assert.equal(tokens.consume(`${token.slice(0, -1)}~`), undefined);
  now = 1001;
  assert.equal(tokens.consume(token), undefined);
});

test("as many requests wait as there is room for, and expired ones make room", () => {
  let now = 0;
  const tokens = new TokenCache<number>(1000, 2, () => now);
  tokens.insert(1);
  tokens.insert(2);
  assert.throws(
    () => tokens.insert(3),
    (error) => error instanceof LichenError && error.code === "RESOURCE_EXHAUSTED",
  );
  now = 1001;
  assert.equal(tokens.consume(tokens.insert(4)), 4);
});
