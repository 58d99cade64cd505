import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseChallenges } from "../../../src/image/registry/challenge.ts";
import { credentialsOf, mayUse } from "../../../src/image/registry/credentials.ts";
import type { Endpoint } from "../../../src/image/registry/hosts.ts";

test("challenges are read with their parameters", () => {
  assert.deepEqual(
    parseChallenges('Bearer realm="https://auth.example/token",service="a b",scope="repository:x:pull,push"'),
    [
      {
        scheme: "bearer",
        parameters: { realm: "https://auth.example/token", service: "a b", scope: "repository:x:pull,push" },
      },
    ],
  );
  assert.deepEqual(parseChallenges('BASIC Realm = "with \\"quotes\\""'), [
    { scheme: "basic", parameters: { realm: 'with "quotes"' } },
  ]);
  assert.deepEqual(
    parseChallenges("Negotiate, Bearer realm=x, Basic realm=y").map(({ scheme }) => scheme),
    ["negotiate", "bearer", "basic"],
  );
  assert.deepEqual(parseChallenges(""), []);
  assert.deepEqual(parseChallenges('realm="no scheme"'), []);
  assert.deepEqual(parseChallenges('Bearer realm="open'), [{ scheme: "bearer", parameters: {} }]);
});

test("no header makes the parser throw or hang", () => {
  fc.assert(fc.property(fc.string({ maxLength: 100 }), (header) => Array.isArray(parseChallenges(header))));
});

const encode = (text: string) => Buffer.from(text).toString("base64");

test("credentials are taken from the members of AuthConfig, the most specific first", () => {
  assert.equal(credentialsOf(undefined), undefined);
  assert.equal(credentialsOf({ username: "", auth: "", serverAddress: "x" }), undefined);
  assert.deepEqual(credentialsOf({ username: "u", password: "p:q" }), {
    kind: "password",
    username: "u",
    password: "p:q",
  });
  assert.deepEqual(credentialsOf({ auth: encode("u:p:q\0\0") }), {
    kind: "password",
    username: "u",
    password: "p:q",
  });
  assert.deepEqual(credentialsOf({ identityToken: "i", username: "u" }), { kind: "identity", token: "i" });
  assert.deepEqual(credentialsOf({ registryToken: "r", identityToken: "i" }), { kind: "bearer", token: "r" });
  assert.throws(() => credentialsOf({ auth: encode("nobody") }), { code: "INVALID_ARGUMENT" });
});

test("credentials are shown to the registry they are for, never to a mirror", () => {
  const at = (url: string, origin: boolean) => ({ url, origin }) as Endpoint;
  const registry = at("https://registry.example/v2", true);
  const mirror = at("https://mirror.example/v2", false);
  assert.ok(mayUse({ username: "u" }, registry));
  assert.ok(!mayUse({ username: "u" }, mirror));
  assert.ok(mayUse({ serverAddress: "mirror.example" }, mirror));
  assert.ok(mayUse({ serverAddress: "https://mirror.example/v1/" }, mirror));
  assert.ok(!mayUse({ serverAddress: "mirror.example" }, registry));
  assert.ok(!mayUse({ serverAddress: "::" }, registry));
  assert.ok(
    mayUse({ serverAddress: "https://index.docker.io/v1/" }, at("https://registry-1.docker.io/v2", true)),
  );
});
