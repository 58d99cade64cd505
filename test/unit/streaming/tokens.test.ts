import assert from "node:assert/strict";
import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { mock, test } from "node:test";
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

test("a token is only ever compared by its digest, and any guess costs one, so that time tells nothing of it", (t) => {
  let now = 0;
  const tokens = new TokenCache<string>(1000, 10, () => now);
  const [good, expired] = [tokens.insert("one"), tokens.insert("two")];
  const createHash = mock.method(crypto, "createHash");
  t.after(() => {
    createHash.mock.restore();
    syncBuiltinESMExports();
  });
  syncBuiltinESMExports();
  // Right, used, almost right, of another form, and expired.
  for (const [token, found] of [
    [good, "one"],
    [good, undefined],
    [`${expired.slice(0, -1)}~`, undefined],
    ["", undefined],
    ["x".repeat(10_000), undefined],
  ] as const) {
    assert.equal(tokens.consume(token), found);
  }
  now = 1001;
  assert.equal(tokens.consume(expired), undefined);
  assert.deepEqual(
    createHash.mock.calls.map((call) => call.arguments[0]),
    Array.from({ length: 6 }, () => "sha256"),
  );
});

test("tokens are not to be guessed: 256 bits each, of which no two agree in more than chance has it", () => {
  const tokens = new TokenCache<number>(1000, 1000);
  const all = Array.from({ length: 1000 }, (_, index) => Buffer.from(tokens.insert(index), "base64url"));
  assert.ok(all.every((bytes) => bytes.length === 32));
  assert.equal(new Set(all.map((bytes) => bytes.toString("hex", 0, 8))).size, 1000);
  for (let byte = 0; byte < 32; byte++)
    assert.ok(
      new Set(all.map((bytes) => bytes[byte])).size > 200,
      `byte ${byte} of the tokens hardly changes`,
    );
});
