import assert from "node:assert/strict";
import { test } from "node:test";
import type { DNSConfig } from "#cri";
import { LichenError } from "../../../src/errors.ts";
import { hostsFile } from "../../../src/network/hosts-file.ts";
import { checkDnsConfig, resolvConf } from "../../../src/network/resolv-conf.ts";

const nodeConf = `# comment
search old.example
search corp.example example
nameserver 127.0.0.53
nameserver 192.0.2.1
options edns0
options trust-ad
`;

const source = { uplinkServers: ["10.0.2.3"], nodeConf, resolvedConf: "" };

test("what DNSConfig says goes into resolv.conf, and nothing else", () => {
  const config = { servers: ["10.96.0.10"], searches: ["svc.local"], options: ["ndots:5", "timeout:1"] };
  assert.equal(
    resolvConf(config, source),
    "search svc.local\nnameserver 10.96.0.10\noptions ndots:5 timeout:1\n",
  );
});

test("an empty DNSConfig is none: the uplink's servers with the node's domains and options", () => {
  const expected = "search corp.example example\nnameserver 10.0.2.3\noptions edns0 trust-ad\n";
  for (const config of [null, { servers: [], searches: [], options: [] }]) {
    assert.equal(resolvConf(config, source), expected);
  }
});

test("domains alone do not leave a pod without a server", () => {
  const config = { servers: [], searches: ["svc.local"], options: [] };
  assert.equal(resolvConf(config, source), "search svc.local\nnameserver 10.0.2.3\n");
});

test("what the pod's network says stands before uplink and node, and after DNSConfig", () => {
  const network = { servers: ["10.9.0.1"], searches: ["net.example"], options: ["ndots:2"] };
  assert.equal(
    resolvConf(null, { ...source, network }),
    "search net.example\nnameserver 10.9.0.1\noptions ndots:2\n",
  );
  const silent = { servers: [], searches: [], options: [] };
  assert.match(resolvConf(null, { ...source, network: silent }), /corp\.example[\s\S]*10\.0\.2\.3/);
  const asked = { servers: ["192.0.2.1"], searches: [], options: [] };
  assert.equal(resolvConf(asked, { ...source, network }), "nameserver 192.0.2.1\n");
});

test("without an uplink the node's own servers are taken, but for those on its loopback", () => {
  const conf = resolvConf(null, { ...source, uplinkServers: [] });
  assert.deepEqual(conf.match(/nameserver .*/g), ["nameserver 192.0.2.1"]);
});

test("the servers behind systemd-resolved's stub stand in for it", () => {
  const stub = "nameserver 127.0.0.53\nsearch corp.example\n";
  const conf = resolvConf(null, {
    uplinkServers: [],
    nodeConf: stub,
    resolvedConf: "nameserver 192.0.2.7\n",
  });
  assert.equal(conf, "search corp.example\nnameserver 192.0.2.7\n");
});

test("no more servers and domains than resolvers take", () => {
  const servers = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"];
  const long = Array.from({ length: 40 }, (_, i) => `${"x".repeat(100)}.example${i}`);
  const conf = resolvConf(null, { ...source, network: { servers, searches: long, options: [] } });
  assert.equal(conf.match(/nameserver/g)?.length, 3);
  const [, ...domains] = (conf.split("\n")[0] ?? "").split(" ");
  assert.ok(domains.length > 1 && domains.join(" ").length <= 2048, `${domains.length} domains`);
  assert.deepEqual(domains, long.slice(0, domains.length));
});

test("a node without resolv.conf gives an empty one", () => {
  assert.equal(resolvConf(null, { uplinkServers: [], nodeConf: "", resolvedConf: "" }), "");
});

for (const [config, reason] of [
  [{ servers: ["dns.example"] }, /dns_config\.servers "dns\.example": not an IP address/],
  [{ servers: ["10.0.0.1\nnameserver 6.6.6.6"] }, /not an IP address/],
  [{ searches: ["a b"] }, /searches "a b": not a domain name/],
  [{ searches: ["a\noptions rotate"] }, /not a domain name/],
  [{ searches: ["a..b"] }, /not a domain name/],
  [{ options: ["ndots:5 rotate"] }, /options .* not a single word/],
  [{ searches: Array.from({ length: 33 }, (_, i) => `d${i}`) }, /at most 32 domains/],
  [{ searches: Array.from({ length: 30 }, () => "x".repeat(80)) }, /2048 characters/],
] as const) {
  test(`a DNSConfig with ${JSON.stringify(config).slice(0, 60)} is refused`, () => {
    const whole = { servers: [], searches: [], options: [], ...config };
    assert.throws(
      () => checkDnsConfig(whole as unknown as DNSConfig),
      (error) =>
        error instanceof LichenError && error.code === "INVALID_ARGUMENT" && reason.test(error.message),
    );
  });
}

test("servers with a zone, the root and underscores in domains, options of all sorts are taken", () => {
  checkDnsConfig(null);
  checkDnsConfig({
    servers: ["10.0.0.1", "fd00::1", "fe80::1%eth0"],
    searches: [".", "_tcp.svc-1.local", "corp.example."],
    options: ["ndots:5", "use-vc"],
  } as unknown as DNSConfig);
});

test("hosts holds loopback and the pod's name at its addresses", () => {
  assert.equal(
    hostsFile("web-0", ["10.210.0.5"]),
    "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n10.210.0.5\tweb-0\n",
  );
  assert.doesNotMatch(hostsFile("", ["10.210.0.5"]), /10\.210/);
});

test("the host's alias is in hosts where there is a way to the host's loopback", () => {
  assert.match(
    hostsFile("web", ["10.9.0.2", "fd00::2"], "10.0.2.2"),
    /^10\.0\.2\.2\thost\.lichen\.internal$/m,
  );
  assert.match(hostsFile("web", ["10.9.0.2", "fd00::2"]), /^fd00::2\tweb$/m);
  assert.doesNotMatch(hostsFile("web", ["10.9.0.2"]), /lichen\.internal/);
});
