import assert from "node:assert/strict";
import { test } from "node:test";
import { hostsFile } from "../../../src/network/hosts-file.ts";
import { resolvConf } from "../../../src/network/resolv-conf.ts";

const nodeConf = `# comment
search old.example
search corp.example example
nameserver 127.0.0.53
nameserver 192.0.2.1
options edns0
options trust-ad
`;

test("what DNSConfig says goes into resolv.conf, and nothing else", () => {
  const config = { servers: ["10.96.0.10"], searches: ["svc.local"], options: ["ndots:5", "timeout:1"] };
  assert.equal(
    resolvConf(config, { uplinkServers: ["10.0.2.3"], nodeConf }),
    "search svc.local\nnameserver 10.96.0.10\noptions ndots:5 timeout:1\n",
  );
});

test("an empty DNSConfig is none: the uplink's servers with the node's domains and options", () => {
  const expected = "search corp.example example\nnameserver 10.0.2.3\noptions edns0 trust-ad\n";
  for (const config of [null, { servers: [], searches: [], options: [] }]) {
    assert.equal(resolvConf(config, { uplinkServers: ["10.0.2.3"], nodeConf }), expected);
  }
});

test("without an uplink the node's own servers are taken", () => {
  const conf = resolvConf(null, { uplinkServers: [], nodeConf });
  assert.match(conf, /nameserver 127\.0\.0\.53\nnameserver 192\.0\.2\.1\n/);
});

test("a node without resolv.conf gives an empty one", () => {
  assert.equal(resolvConf(null, { uplinkServers: [], nodeConf: "" }), "");
});

test("hosts holds loopback and the pod's name at its addresses", () => {
  assert.equal(
    hostsFile("web-0", ["10.210.0.5"]),
    "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n10.210.0.5\tweb-0\n",
  );
  assert.doesNotMatch(hostsFile("", ["10.210.0.5"]), /10\.210/);
});

test("the network's servers hold where DNSConfig says nothing", () => {
  const source = {
    network: { servers: ["10.9.0.1"], searches: ["x"], options: [] },
    uplinkServers: ["10.0.2.3"],
    nodeConf: "",
  };
  assert.equal(resolvConf(null, source), "search x\nnameserver 10.9.0.1\n");
  const asked = { servers: ["192.0.2.1"], searches: [], options: [] };
  assert.equal(resolvConf(asked, source), "nameserver 192.0.2.1\n");
});
