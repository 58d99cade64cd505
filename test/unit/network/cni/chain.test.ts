import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { LichenError } from "../../../../src/errors.ts";
import {
  addNetwork,
  checkNetwork,
  collectNetwork,
  deleteNetwork,
  networkStatus,
} from "../../../../src/network/cni/chain.ts";
import { type NetworkList, parseNetwork } from "../../../../src/network/cni/network-list.ts";
import { readResult } from "../../../../src/network/cni/result.ts";
import { PluginFolder } from "./plugins.ts";

let folder: PluginFolder;
beforeEach(() => {
  folder = new PluginFolder();
});
afterEach(() => folder.remove());

const pod = {
  containerId: "pod1",
  netns: "/proc/7/ns/net",
  ifname: "eth0",
  args: "K8S_POD_NAME=web",
  capabilities: { portMappings: [{ hostPort: 80 }], bandwidth: { ingressRate: 1 } },
};
const list = (plugins: object[], more = {}): NetworkList =>
  parseNetwork(JSON.stringify({ name: "pods", cniVersion: "1.1.0", plugins, ...more }), "x.conflist");
const two = (more = {}) =>
  list([{ type: "first" }, { type: "second", capabilities: { portMappings: true } }], more);
const add = (network: NetworkList) => addNetwork(network, pod, folder.host(), { directory: folder.state });
const del = (network: NetworkList, result?: object) =>
  deleteNetwork(network, pod, folder.host(), { directory: folder.state }, result);

describe("ADD", () => {
  test("goes through the list; each plugin gets the result before it, and what it asked for", async () => {
    folder.addGiving("first", "10.1.0.2/24").addGiving("second", "10.1.0.3/24");
    const result = await add(two());
    assert.deepEqual(readResult(result, "pods").ips, ["10.1.0.3"]);
    const [first, second] = folder.calls;
    assert.deepEqual(first?.config, { type: "first", name: "pods", cniVersion: "1.1.0" });
    assert.deepEqual((second?.config.prevResult as { ips: object[] } | undefined)?.ips, [
      { address: "10.1.0.2/24", interface: 0 },
    ]);
    assert.deepEqual(second?.config.runtimeConfig, { portMappings: [{ hostPort: 80 }] });
    assert.ok(!("capabilities" in (second?.config ?? {})));
    assert.deepEqual(
      [first?.containerId, first?.netns, first?.args],
      ["pod1", "/proc/7/ns/net", "K8S_POD_NAME=web"],
    );
  });

  test("that fails in the middle is undone through the whole list, last first", async () => {
    folder
      .addGiving("first", "10.1.0.2/24")
      .add("second", '[ "$CNI_COMMAND" = DEL ] || { echo \'{"code":9,"msg":"no"}\'; exit 1; }');
    await assert.rejects(add(two()), /CNI ADD by second for pod sandbox pod1: no \(code 9\)/);
    assert.deepEqual(folder.order, ["first ADD", "second ADD", "second DEL", "first DEL"]);
  });

  test("that prints nothing is no success", async () => {
    folder.add("first", "").add("second", "");
    await assert.rejects(add(two()), /first: it printed no result/);
  });

  test("plugins that keep files get a place of ours for them, unless they have one", async () => {
    folder.addGiving("bridge", "10.1.0.2/24").addGiving("flannel", "10.1.0.2/24");
    await add(
      list([
        { type: "bridge", ipam: { type: "host-local" } },
        { type: "bridge", ipam: { type: "host-local", dataDir: "/own" } },
        { type: "bridge", ipam: { type: "static" } },
        { type: "flannel" },
      ]),
    );
    const [plain, own, other, flannel] = folder.calls.map(({ config }) => config);
    assert.deepEqual(plain?.ipam, { type: "host-local", dataDir: `${folder.state}/networks` });
    assert.deepEqual(own?.ipam, { type: "host-local", dataDir: "/own" });
    assert.deepEqual(other?.ipam, { type: "static" });
    assert.equal(flannel?.dataDir, `${folder.state}/flannel`);
  });
});

describe("DEL", () => {
  test("goes backward with the cached result, and on when a plugin fails", async () => {
    folder.add("first", "").add("second", "exit 1");
    await assert.rejects(del(two(), { ips: [] }), /DEL by second/);
    assert.deepEqual(folder.order, ["second DEL", "first DEL"]);
    assert.deepEqual(folder.calls[1]?.config.prevResult, { ips: [] });
  });

  test("has no previous result before 0.4.0", async () => {
    folder.add("first", "").add("second", "");
    await del(two({ cniVersion: "0.3.1" }), { ips: [] });
    assert.ok(folder.calls.every(({ config }) => !("prevResult" in config)));
  });
});

describe("CHECK, GC and STATUS", () => {
  const state = () => ({ directory: folder.state });

  test("CHECK asks all, until one complains; not where the list forbids it or the version has none", async () => {
    folder.add("first", "").add("second", 'echo \'{"code":8,"msg":"address gone"}\'; exit 1');
    await assert.rejects(checkNetwork(two(), pod, folder.host(), state(), {}), /address gone/);
    assert.deepEqual(folder.order, ["first CHECK", "second CHECK"]);
    await checkNetwork(two({ disableCheck: true }), pod, folder.host(), state(), {});
    await checkNetwork(two({ cniVersion: "0.3.1" }), pod, folder.host(), state(), {});
    assert.equal(folder.calls.length, 2);
  });

  test("GC names what is still there, to every plugin; only since 1.1.0", async () => {
    folder.add("first", "exit 1").add("second", "");
    await assert.rejects(
      collectNetwork(two(), [{ containerId: "a", ifname: "eth0" }], folder.host(), state()),
      /GC by first/,
    );
    const [, second] = folder.calls;
    assert.deepEqual(second?.config["cni.dev/valid-attachments"], [{ containerID: "a", ifname: "eth0" }]);
    await collectNetwork(two({ cniVersion: "1.0.0" }), [], folder.host(), state());
    await collectNetwork(two({ disableGC: true }), [], folder.host(), state());
    assert.equal(folder.calls.length, 2);
  });

  test("STATUS is what the plugins say; before 1.1.0, whether they are there", async () => {
    folder.add("first", "").add("second", 'echo \'{"code":50,"msg":"no lease server"}\'; exit 1');
    const now = await networkStatus(two(), folder.host(), state());
    assert.ok(
      now instanceof LichenError && now.code === "UNAVAILABLE" && /no lease server/.test(now.message),
    );
    assert.equal(await networkStatus(two({ cniVersion: "1.0.0" }), folder.host(), state()), undefined);
    const absent = await networkStatus(
      list([{ type: "nowhere" }], { cniVersion: "1.0.0" }),
      folder.host(),
      state(),
    );
    assert.match(absent?.message ?? "", /nowhere/);
  });
});

describe("results", () => {
  test("of all versions: addresses of the pod, names of servers", () => {
    const interfaces = [{ name: "br0" }, { name: "eth0", sandbox: "/proc/7/ns/net" }];
    const ips = [
      { address: "10.1.0.1/24", interface: 0 },
      { address: "10.1.0.2/24", interface: 1 },
      { address: "fd00::2/64" },
    ];
    const dns = { nameservers: ["10.1.0.1"], domain: "a.b", search: ["a.b"], options: ["ndots:2"] };
    assert.deepEqual(readResult({ interfaces, ips, dns }, "x"), { ips: ["10.1.0.2", "fd00::2"], dns });
    const old = readResult({ ip4: { ip: "10.1.0.2/24" }, ip6: { ip: "fd00::2/64" } }, "x");
    assert.deepEqual(old.ips, ["10.1.0.2", "fd00::2"]);
    assert.deepEqual(old.dns, { nameservers: [], domain: "", search: [], options: [] });
  });

  for (const result of [
    {},
    null,
    [],
    { ips: [] },
    { ips: [{ address: "nonsense" }] },
    { ips: [{}] },
    { ips: 7 },
  ]) {
    test(`${JSON.stringify(result)} is none`, () => {
      assert.throws(
        () => readResult(result, "pods"),
        (error) => error instanceof LichenError && error.code === "INTERNAL",
      );
    });
  }
});
