import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { endpointsOf, isLoopback } from "../../../src/image/registry/hosts.ts";
import { sharedCertsDirectories } from "../../../src/image/registry/hosts-file.ts";
import { makeCertificate } from "../../fixtures/certificates.ts";

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

const authority = makeCertificate(scratch, "authority");
const client = makeCertificate(scratch, "client", authority);

function putCertificates(folder: string): void {
  writeFileSync(join(folder, "ca.pem"), authority.cert);
  writeFileSync(join(folder, "client.pem"), client.cert);
  writeFileSync(join(folder, "client-key.pem"), client.key);
  writeFileSync(join(folder, "both.pem"), client.cert + client.key);
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
  assert.deepEqual(second?.headers, { "X-One": "1", "X-Two": ["a", "b"] });
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

test("authorities and client certificates are read in every form, beside the file when they are named so", () => {
  const forms: [string, number, number][] = [
    ['ca = "ca.pem"', 1, 0],
    [`ca = ["ca.pem", "${authority.certFile}"]`, 2, 0],
    ['client = "both.pem"', 0, 1],
    ['client = ["both.pem", "both.pem"]', 0, 2],
    ['client = [["client.pem", "client-key.pem"], ["both.pem", ""]]', 0, 2],
    ['ca = "ca.pem"\nclient = [["client.pem", "client-key.pem"]]', 1, 1],
  ];
  for (const [text, authorities, certificates] of forms) {
    const directory = certs("registry.example", `[host."https://m.example"]\n${text}`);
    putCertificates(join(directory, "registry.example"));
    const [mirror] = endpoints("registry.example", [directory]);
    assert.deepEqual(mirror?.authorities, Array(authorities).fill(authority.cert), text);
    assert.equal(mirror?.clientCertificates.length, certificates, text);
    for (const pair of mirror?.clientCertificates ?? []) {
      assert.ok(pair.certificate.includes(client.cert));
      assert.ok(pair.key.includes(client.key));
    }
  }
});

test("a folder without hosts.toml is Docker's: .crt are authorities, .cert and .key show who asks", () => {
  for (const empty of [true, false]) {
    const directory = certs("localhost:5000", "");
    const folder = join(directory, "localhost:5000");
    if (!empty) rmSync(join(folder, "hosts.toml"));
    writeFileSync(join(folder, "ca.crt"), authority.cert);
    writeFileSync(join(folder, "client.cert"), client.cert);
    writeFileSync(join(folder, "client.key"), client.key);
    writeFileSync(join(folder, "other.cert"), client.cert + client.key);
    const [own, ...more] = endpoints("localhost:5000", [directory]);
    assert.deepEqual(more, []);
    // Whoever gives certificates for a loopback address means https.
    assert.equal(own?.url, "https://localhost:5000/v2");
    assert.deepEqual(own?.authorities, [authority.cert]);
    assert.deepEqual(own?.clientCertificates[0], { certificate: client.cert, key: client.key });
    assert.equal(own?.clientCertificates.length, 2);
  }
});

test("what other programs keep is looked at after our own, and closed doors are passed by", () => {
  assert.deepEqual(sharedCertsDirectories({ HOME: "/home/u" }), [
    "/home/u/.config/containers/certs.d",
    "/etc/containerd/certs.d",
    "/etc/docker/certs.d",
    "/etc/containers/certs.d",
  ]);
  assert.equal(sharedCertsDirectories({ XDG_CONFIG_HOME: "/c" })[0], "/c/containers/certs.d");
  const file = join(scratch, "no-directory");
  writeFileSync(file, "");
  assert.deepEqual(urls("registry.example", [file, join(scratch, "missing")]), [
    "https://registry.example/v2",
  ]);
});

test("a folder that says nothing changes nothing, and hides _default", () => {
  const directory = certs("_default", '[host."https://mirror.example"]');
  mkdirSync(join(directory, "registry.example"));
  assert.deepEqual(urls("registry.example", [directory]), ["https://registry.example/v2"]);
  assert.deepEqual(urls("other.example", [directory]), [
    "https://mirror.example/v2",
    "https://other.example/v2",
  ]);
});

test("capabilities in any case, none of them all of them; a time to connect", () => {
  const directory = certs(
    "registry.example",
    `capabilities = []
     [host."https://a.example"]
       capabilities = ["Pull", "referrers"]
       dial_timeout = "1m1.5s"`,
  );
  const [mirror, own] = endpoints("registry.example", [directory]);
  assert.deepEqual(mirror?.capabilities, { resolve: false, pull: true });
  assert.equal(mirror?.connectMs, 61_500);
  assert.deepEqual(own?.capabilities, { resolve: true, pull: true });
  assert.equal(own?.connectMs, undefined);
});

test("a mirror with the registry's own address is the registry", () => {
  const directory = certs("registry.example", '[host."https://registry.example"]');
  assert.deepEqual(
    endpoints("registry.example", [directory]).map(({ origin }) => origin),
    [true, true],
  );
});

test("a registry that cannot be an address is refused before anything is asked", () => {
  for (const registry of ["registry.example:99999", "[:::1]:5000", "1.2.3.4.5"])
    assert.throws(() => endpoints(registry), { code: "INVALID_ARGUMENT", object: registry });
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
  refused('ca = "hosts.toml"', /hosts\.toml holds no certificate/);
  refused("ca = 1", /ca/);
  refused('client = "missing.pem"', /client: .*missing\.pem/);
  refused(`client = [["${client.certFile}", "${authority.keyFile}"]]`, /cannot be used: .*mismatch/);
  refused(`client = [["${client.certFile}"]]`, /client/);
  refused('dial_timeout = "5"', /"5" is no duration/);
  refused('dial_timeout = "0s"', /no duration/);
});
