import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { endpointsOf, isLoopback } from "../../../src/image/registry/hosts.ts";

const scratch = mkdtempSync(join(tmpdir(), "lichen-hosts-"));
after(() => rmSync(scratch, { recursive: true }));

let count = 0;
/** A certs.d with one hosts.toml. */
function certs(host: string, text: string): string {
  const directory = join(scratch, String(count++));
  mkdirSync(join(directory, host), { recursive: true });
  writeFileSync(join(directory, host, "hosts.toml"), text);
  return directory;
}

const endpoints = (registry: string, directories: string[] = [], plainHttpHosts: string[] = []) =>
  endpointsOf(registry, { certsDirectories: directories, plainHttpHosts });
const urls = (...args: Parameters<typeof endpoints>) => endpoints(...args).map(({ url }) => url);

test("without configuration a registry is itself, in https but for loopback and configured hosts", () => {
  assert.deepEqual(urls("registry.example"), ["https://registry.example/v2"]);
  assert.deepEqual(urls("registry.example:5000"), ["https://registry.example:5000/v2"]);
  assert.deepEqual(urls("docker.io"), ["https://registry-1.docker.io/v2"]);
  assert.deepEqual(urls("localhost:5000"), ["http://localhost:5000/v2"]);
  assert.deepEqual(urls("127.0.0.9:5000"), ["http://127.0.0.9:5000/v2"]);
  assert.deepEqual(urls("[::1]:5000"), ["http://[::1]:5000/v2"]);
  assert.deepEqual(urls("plain.example:80", [], ["plain.example"]), ["http://plain.example/v2"]);
  assert.deepEqual(urls("plain.example:8080", [], ["plain.example:8080"]), ["http://plain.example:8080/v2"]);
  const [own] = endpoints("registry.example");
  assert.deepEqual(own?.capabilities, { resolve: true, pull: true });
  assert.equal(own?.origin, true);
});

test("only loopback is loopback", () => {
  for (const host of ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"]) assert.ok(isLoopback(host), host);
  for (const host of ["localhost.example", "127.example", "128.0.0.1", "[::2]", "example"])
    assert.ok(!isLoopback(host), host);
});

test("mirrors come first, in the order of the file, the registry itself last", () => {
  const directory = certs(
    "registry.example",
    `server = "https://registry.example"
     [host."http://first.example:5000"]
       capabilities = ["pull"]
       skip_verify = true
     [host."https://second.example/base"]
       header = { X-One = "1", X-Two = ["a", "b"] }
     [host."https://third.example/whole/path"]
       override_path = true
     [host."fourth.example/v2"]
       capabilities = ["resolve", "push"]`,
  );
  const [first, second, third, fourth, own] = endpoints("registry.example", [directory]);
  assert.equal(first?.url, "http://first.example:5000/v2");
  assert.deepEqual(first?.capabilities, { resolve: false, pull: true });
  assert.equal(first?.skipVerify, true);
  assert.equal(first?.origin, false);
  assert.equal(second?.url, "https://second.example/base/v2");
  assert.deepEqual(second?.headers, { "X-One": "1", "X-Two": "a, b" });
  assert.equal(third?.url, "https://third.example/whole/path");
  assert.equal(fourth?.url, "https://fourth.example/v2");
  assert.deepEqual(fourth?.capabilities, { resolve: true, pull: false });
  assert.equal(own?.url, "https://registry.example/v2");
  assert.equal(own?.origin, true);
});

test("server moves the registry to another address", () => {
  const directory = certs("registry.example", 'server = "http://10.0.0.1:5000"\nskip_verify = true');
  assert.deepEqual(urls("registry.example", [directory]), ["http://10.0.0.1:5000/v2"]);
  assert.equal(endpoints("registry.example", [directory])[0]?.skipVerify, true);
});

test("the file is found as containerd finds it, and the first directory wins", () => {
  const mirror = (name: string) => `[host."https://${name}.example"]`;
  const underscored = certs("host.example_5000_", mirror("underscored"));
  const plain = certs("host.example:5000", mirror("plain"));
  const fallback = certs("_default", mirror("fallback"));
  const first = (directories: string[]) => urls("host.example:5000", directories)[0];
  assert.equal(first([underscored, plain]), "https://underscored.example/v2");
  assert.equal(first([plain, underscored]), "https://plain.example/v2");
  assert.equal(first([fallback, plain]), "https://fallback.example/v2");
  assert.equal(first([join(scratch, "missing"), plain]), "https://plain.example/v2");
});

test("certificate authorities are read, beside the file when they are named so", () => {
  const directory = certs("registry.example", 'ca = ["ca.pem"]');
  writeFileSync(join(directory, "registry.example", "ca.pem"), "PEM");
  assert.deepEqual(endpoints("registry.example", [directory])[0]?.authorities, ["PEM"]);
});

test("a malformed file is refused with its name and what is wrong", () => {
  const refused = (text: string, reason: RegExp) =>
    assert.throws(() => endpoints("registry.example", [certs("registry.example", text)]), {
      code: "FAILED_PRECONDITION",
      object: /registry\.example\/hosts\.toml$/,
      reason,
    });
  refused("server = ", /Invalid TOML/);
  refused('servre = "x"', /servre/);
  refused('[host."https://m.example"]\ncapabilities = ["pul"]', /capabilities/);
  refused('[host."ftp://m.example"]', /"ftp:\/\/m.example" is no http or https address/);
  refused('ca = "missing.pem"', /missing\.pem/);
});
