import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodSandboxConfig } from "#cri";
import { LichenError } from "../../../src/errors.ts";
import { AddressPool } from "../../../src/network/addresses.ts";
import {
  type BridgeKernel,
  BridgeNetwork,
  type BridgeOptions,
  hostEnd,
} from "../../../src/network/bridge.ts";
import { HostNetwork } from "../../../src/network/host.ts";
import { formatRange, type PodRange } from "../../../src/network/pod-range.ts";
import { PodRanges } from "../../../src/network/pod-ranges.ts";
import { parseSubnet } from "../../../src/network/subnet.ts";
import { parseSubnet6 } from "../../../src/network/subnet6.ts";
import { AddressStore } from "../../../src/store/addresses.ts";
import { openDatabase } from "../../../src/store/database.ts";
import { SettingStore } from "../../../src/store/settings.ts";

const subnet = parseSubnet("10.210.0.0/16");

const noNftables = () => {
  throw new Error("no nf_tables");
};

/** A kernel that notes what it is asked to do, and fails while `failing` says so, or in all that needs nf_tables while `bare` does. */
function kernelWith(failing: () => boolean = () => false, bare: () => boolean = () => false) {
  const calls: [string, unknown][] = [];
  const kernel: BridgeKernel = {
    ensureBridge: async (bridge) => {
      if (failing()) throw new Error("no bridge module");
      calls.push(["bridge", bridge]);
    },
    masquerade: async (rule) => (bare() ? noNftables() : void calls.push(["masquerade", rule])),
    setForwarding: (on, families) => void calls.push([on ? "forwarding" : "no forwarding", families]),
    isolatePorts: async (rule) => (bare() ? noNftables() : void calls.push(["isolate", rule])),
    removeLink: async (name) => void calls.push(["remove", name]),
    removeTable: async () => {
      throw new Error("no such table");
    },
  };
  return { kernel, calls };
}

const request = (sandboxId: string) => ({ sandboxId, config: { annotations: {} } as PodSandboxConfig });

const network = (kernel: BridgeKernel, uplink = true, more: Partial<BridgeOptions> = {}) =>
  new BridgeNetwork({
    kernel,
    pool: new AddressPool(subnet, new AddressStore(openDatabase(":memory:", { durable: false }))),
    range: { subnet, subnet6: undefined },
    keepRange: () => {},
    taken: [parseSubnet("10.0.2.0/24")],
    isolate: false,
    mtu: 65520,
    uplink,
    ...more,
  });

test("bridge, forwarding and masquerade are made once, before the first pod", async () => {
  const { kernel, calls } = kernelWith();
  const driver = network(kernel);
  await driver.settled();
  await driver.prepare(request("a".repeat(64)));
  await driver.prepare(request("b".repeat(64)));
  assert.deepEqual(calls, [
    ["bridge", { name: "lichen0", addresses: ["10.210.0.1/16"], mtu: 65520 }],
    ["masquerade", { table: "lichen", sources: ["10.210.0.0/16"], exceptBridge: "lichen0" }],
    ["forwarding", ["ipv4"]],
  ]);
});

test("a pod gets an address with the subnet's prefix, the gateway and the uplink's MTU", async () => {
  const driver = network(kernelWith().kernel);
  const id = "0123456789abcdef".repeat(4);
  assert.deepEqual(await driver.prepare(request(id)), {
    interface: {
      bridge: "lichen0",
      host: "lc0123456789ab",
      name: "eth0",
      addresses: ["10.210.0.2/16"],
      gateways: ["10.210.0.1"],
      mtu: 65520,
      isolated: false,
      ingressBits: 0,
      egressBits: 0,
    },
    ips: ["10.210.0.2"],
  });
  assert.ok(hostEnd(id).length <= 15, "longer than IFNAMSIZ allows");
});

test("without an uplink there is nothing to masquerade towards", async () => {
  const { kernel, calls } = kernelWith();
  await network(kernel, false).settled();
  assert.ok(!calls.some(([what]) => what === "masquerade"));
});

test("a kernel without bridges makes the network not ready and pods refused, until it works", async () => {
  let failing = true;
  const driver = network(kernelWith(() => failing).kernel);
  await driver.settled();
  const { ready, reason, message } = driver.state();
  assert.deepEqual([ready, reason], [false, "BridgeNotMade"]);
  assert.match(message, /no bridge module/);
  await assert.rejects(
    driver.prepare(request("a")),
    (error) =>
      error instanceof LichenError && error.code === "FAILED_PRECONDITION" && error.hint !== undefined,
  );
  failing = false;
  await driver.prepare(request("a"));
  assert.deepEqual(driver.state(), { ready: true, reason: "", message: "" });
});

test("a kernel without nf_tables has pods that reach each other and nothing else, which Status tells until it works", async () => {
  let bare = true;
  const { kernel, calls } = kernelWith(
    () => false,
    () => bare,
  );
  const driver = network(kernel);
  await driver.settled();
  assert.deepEqual(calls.at(-1), ["no forwarding", ["ipv4"]]);
  const { ready, lacks } = driver.state();
  assert.equal(ready, true);
  assert.deepEqual(lacks, [
    {
      type: "PodUplink",
      reason: "NoMasquerade",
      message:
        "pods reach nothing beyond this node: internal: no nf_tables (sudo modprobe -a nf_tables nft_chain_nat nft_masq nft_socket)",
    },
  ]);
  assert.deepEqual((await driver.prepare(request("a"))).ips, ["10.210.0.2"]);
  bare = false;
  await driver.prepare(request("b"));
  assert.deepEqual(driver.state(), { ready: true, reason: "", message: "" });
  assert.deepEqual(calls.at(-1), ["forwarding", ["ipv4"]]);
});

test("a kernel without nf_tables does not have pods run that are to be isolated", async () => {
  const { kernel } = kernelWith(
    () => false,
    () => true,
  );
  const driver = network(kernel, true, { isolate: true });
  await driver.settled();
  assert.match(driver.state().message, /no nf_tables \(.*nft_/);
  await assert.rejects(
    driver.prepare(request("a")),
    (error) => error instanceof LichenError && error.code === "FAILED_PRECONDITION",
  );
});

test("an address is free again after release", async () => {
  const driver = network(kernelWith().kernel);
  await driver.prepare(request("a"));
  await driver.release("a");
  await driver.release("a");
});

test("the node's network gives a pod nothing of its own", async () => {
  const host = new HostNetwork();
  assert.deepEqual(await host.attach(), { ips: [] });
  assert.equal(host.state().ready, true);
  await host.release();
});

test("the cluster's range takes the place of the node's own: a new bridge, new addresses, and kept for the next daemon", async () => {
  const { kernel, calls } = kernelWith();
  const kept: PodRange[] = [];
  const range = { subnet, subnet6: parseSubnet6("fd00:1:2:3::/64") };
  const driver = network(kernel, true, { range, keepRange: (one) => kept.push(one) });
  await driver.settled();
  calls.length = 0;
  await driver.usePodCidrs(["10.210.0.0/16"]);
  assert.deepEqual([calls, kept], [[], []], "the same range changes nothing");
  await driver.usePodCidrs(["10.7.3.0/24", "fd00:9::/64"]);
  assert.deepEqual(calls.map(([name]) => name).slice(0, 2), ["remove", "bridge"]);
  assert.deepEqual(calls[1]?.[1], {
    name: "lichen0",
    addresses: ["10.7.3.1/24", "fd00:9::1/64"],
    mtu: 65520,
  });
  assert.deepEqual(kept.map(formatRange), [["10.7.3.0/24", "fd00:9::/64"]]);
  assert.deepEqual((await driver.prepare(request("a"))).ips, ["10.7.3.2", "fd00:9::2"]);
});

test("the cluster's range waits for pods that have addresses of the other, and says so", async () => {
  const driver = network(kernelWith().kernel);
  await driver.prepare(request("a"));
  await assert.rejects(
    driver.usePodCidrs(["10.7.0.0/24"]),
    (error) =>
      error instanceof LichenError &&
      error.code === "FAILED_PRECONDITION" &&
      error.reason === "1 pods have addresses of 10.210.0.0/16",
  );
  assert.deepEqual((await driver.prepare(request("b"))).ips, ["10.210.0.3"]);
  await driver.release("a");
  await driver.release("b");
  await driver.usePodCidrs(["10.7.0.0/24"]);
  assert.deepEqual((await driver.prepare(request("c"))).ips, ["10.7.0.2"]);
});

for (const [cidr, reason] of [
  ["10.0.0.0/8", "it overlaps the uplink's network 10.0.2.0/24"],
  ["10.9.0.0/30", "pods of this node need an IPv4 network with a prefix between 8 and 29"],
  ["127.1.0.0/16", "it is loopback's"],
  ["fd00::/48", "pods of this node need a whole IPv6 /64"],
] as const) {
  test(`a range that this node cannot have is refused, and nothing is changed: ${cidr}`, async () => {
    const range = { subnet, subnet6: parseSubnet6("fd00:1:2:3::/64") };
    const driver = network(kernelWith().kernel, true, { range });
    await assert.rejects(
      driver.usePodCidrs([cidr]),
      (error) => error instanceof LichenError && error.reason === reason && error.object === cidr,
    );
    assert.deepEqual((await driver.prepare(request("a"))).ips, ["10.210.0.2", "fd00:1:2:3::2"]);
  });
}

test("where pods have no IPv6 the cluster's IPv6 range is not theirs", async () => {
  const driver = network(kernelWith().kernel);
  await driver.usePodCidrs(["10.7.3.0/24", "fd00:9::/64"]);
  assert.deepEqual((await driver.prepare(request("a"))).ips, ["10.7.3.2"]);
});

test("a range that was kept holds for the next daemon, until the configuration names another", () => {
  const settings = new SettingStore(openDatabase(":memory:", { durable: false }));
  const configured = { subnet, subnet6: parseSubnet6("fd00:1:2:3::/64") };
  const given = { subnet: parseSubnet("10.7.3.0/24"), subnet6: parseSubnet6("fd00:9::/64") };
  const own = "10.210.0.0/16";
  assert.equal(new PodRanges(settings, own, configured).current, configured);
  new PodRanges(settings, own, configured).keep(given);
  assert.deepEqual(new PodRanges(settings, own, configured).current, given);
  const withoutIpv6 = { subnet, subnet6: undefined };
  assert.deepEqual(new PodRanges(settings, own, withoutIpv6).current, { ...given, subnet6: undefined });
  assert.equal(new PodRanges(settings, "10.99.0.0/16", configured).current, configured);
});

test("with IPv6 the bridge and each pod have an address of either family, and both are masqueraded", async () => {
  const { kernel, calls } = kernelWith();
  const driver = network(kernel, true, { range: { subnet, subnet6: parseSubnet6("fd00:1:2:3::/64") } });
  const { ips, interface: made } = await driver.prepare(request("a"));
  assert.deepEqual(ips, ["10.210.0.2", "fd00:1:2:3::2"]);
  assert.deepEqual(made?.addresses, ["10.210.0.2/16", "fd00:1:2:3::2/64"]);
  assert.deepEqual(made?.gateways, ["10.210.0.1", "fd00:1:2:3::1"]);
  assert.deepEqual(calls.slice(1), [
    [
      "masquerade",
      { table: "lichen", sources: ["10.210.0.0/16", "fd00:1:2:3::/64"], exceptBridge: "lichen0" },
    ],
    ["forwarding", ["ipv4", "ipv6"]],
  ]);
});

test("isolated pods are isolated on the bridge and by the gateway", async () => {
  const { kernel, calls } = kernelWith();
  const driver = network(kernel, true, { isolate: true });
  assert.equal((await driver.prepare(request("a"))).interface?.isolated, true);
  assert.deepEqual(calls.at(-1), ["isolate", { table: "lichen-isolation", bridge: "lichen0" }]);
});

test("bandwidth annotations are checked before anything is reserved, and passed on", async () => {
  const driver = network(kernelWith().kernel);
  const annotations = {
    "kubernetes.io/ingress-bandwidth": "10M",
    "kubernetes.io/egress-bandwidth": "1.5Gi",
  };
  const config = { annotations: annotations as Record<string, string> } as PodSandboxConfig;
  driver.check(config);
  const { interface: made } = await driver.prepare({ sandboxId: "a", config });
  assert.deepEqual([made?.ingressBits, made?.egressBits], [10_000_000, 1.5 * 2 ** 30]);
  for (const text of ["", "fast", "10MB", "999", "2P", "-1M"]) {
    const bad = { annotations: { "kubernetes.io/egress-bandwidth": text } as Record<string, string> };
    assert.throws(() => driver.check(bad as PodSandboxConfig), /egress-bandwidth .*such as 10M/, text);
  }
});
