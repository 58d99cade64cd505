import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { proxiesOf, proxyFor } from "../../../src/image/registry/proxy.ts";

const settings = (none = "") => ({ http: "http://plain:3128", https: "https://u:p%40w@secure", none });
const goesBy = (url: string, none?: string) => proxyFor(new URL(url), settings(none))?.origin;

test("the environment is read as Go programs read it: capitals first", () => {
  assert.deepEqual(proxiesOf({}), { http: "", https: "", none: "" });
  assert.deepEqual(proxiesOf({ HTTP_PROXY: "a", http_proxy: "b", https_proxy: "c", no_proxy: "d" }), {
    http: "a",
    https: "c",
    none: "d",
  });
});

test("each scheme has its proxy, with port and credentials", () => {
  assert.deepEqual(proxyFor(new URL("https://registry.example/x"), settings()), {
    origin: "https://secure",
    secure: true,
    host: "secure",
    port: 443,
    authorization: `Basic ${Buffer.from("u:p@w").toString("base64")}`,
  });
  assert.deepEqual(proxyFor(new URL("http://registry.example/x"), { ...settings(), http: "plain:8080" }), {
    origin: "http://plain:8080",
    secure: false,
    host: "plain",
    port: 8080,
    authorization: undefined,
  });
  assert.equal(proxyFor(new URL("http://registry.example"), { ...settings(), http: "" }), undefined);
});

test("loopback addresses are never behind a proxy", () => {
  for (const host of ["localhost", "127.0.0.1:5000", "127.9.9.9", "[::1]:5000"])
    assert.equal(goesBy(`http://${host}`), undefined, host);
});

const direct: [entry: string, url: string][] = [
  ["*", "https://any.example"],
  ["registry.example", "https://registry.example"],
  ["registry.example", "https://deep.registry.example"],
  ["REGISTRY.example", "https://Registry.Example"],
  [".example", "https://registry.example"],
  ["*.example", "https://registry.example"],
  ["registry.example:443", "https://registry.example"],
  ["registry.example:5000", "https://registry.example:5000"],
  ["a, registry.example ,b", "https://registry.example"],
  ["a registry.example", "https://registry.example"],
  ["10.1.2.3", "https://10.1.2.3"],
  ["10.1.2.3:5000", "http://10.1.2.3:5000"],
  ["10.0.0.0/8", "http://10.200.1.1:5000"],
  ["0.0.0.0/0", "http://10.200.1.1"],
  ["fd00::/8", "http://[fd12::1]:5000"],
  ["fd12::1", "http://[fd12::1]:5000"],
  ["[fd12::1]", "http://[fd12::1]"],
  ["[fd12::1]:5000", "http://[fd12::1]:5000"],
];
for (const [entry, url] of direct)
  test(`NO_PROXY=${entry} lets ${url} pass`, () => assert.equal(goesBy(url, entry), undefined));

const proxied: [entry: string, url: string][] = [
  ["", "https://registry.example"],
  ["gistry.example", "https://registry.example"],
  [".registry.example", "https://registry.example"],
  ["*.registry.example", "https://registry.example"],
  ["registry.example:443", "https://registry.example:5000"],
  ["registry.example", "https://registry.example.org"],
  ["10.1.2.3", "https://10.1.2.30"],
  ["10.0.0.0/8", "https://11.0.0.1"],
  ["10.0.0.0/33", "https://10.0.0.1"],
  ["10.0.0.0/x", "https://10.0.0.1"],
  ["10.0.0.0/8", "https://registry.example"],
  ["fd00::/8", "https://10.0.0.1"],
  ["[fd12::1]:443", "http://[fd12::1]:5000"],
  [",", "https://registry.example"],
  [":443", "https://registry.example"],
];
for (const [entry, url] of proxied)
  test(`NO_PROXY=${entry} leaves ${url} to the proxy`, () => assert.ok(goesBy(url, entry)));

test("a proxy of another kind is refused, its password not told", () => {
  for (const https of ["socks5://u:secret@proxy:1080", "http://u:secret@:0:0", "http://"])
    assert.throws(
      () => proxyFor(new URL("https://registry.example"), { http: "", https, none: "" }),
      (error: Error & { code?: string }) =>
        error.code === "INVALID_ARGUMENT" && !error.message.includes("secret"),
    );
});

test("no NO_PROXY makes it throw, and a host that is named is exempt", () => {
  const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,5}[a-z0-9])?$/);
  const host = fc.array(label, { minLength: 2, maxLength: 3 }).map((labels) => labels.join("."));
  fc.assert(
    fc.property(host, fc.string({ maxLength: 30 }), (name, noise) => {
      goesBy(`https://${name}`, noise);
      assert.equal(goesBy(`https://${name}:5000`, `${noise.replace(/\S*$/, "")},${name}`), undefined);
    }),
  );
});
