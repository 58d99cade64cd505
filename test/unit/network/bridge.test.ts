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
import { parseSubnet } from "../../../src/network/subnet.ts";
import { parseSubnet6 } from "../../../src/network/subnet6.ts";
import { AddressStore } from "../../../src/store/addresses.ts";
import { openDatabase } from "../../../src/store/database.ts";

const subnet = parseSubnet("10.210.0.0/16");

/** A kernel that notes what it is asked to do, and fails while `failing` says so. */
function kernelWith(failing: () => boolean = () => false) {
  const calls: [string, unknown][] = [];
  const kernel: BridgeKernel = {
    ensureBridge: async (bridge) => {
      if (failing()) throw new Error("no bridge module");
      calls.push(["bridge", bridge]);
    },
    masquerade: async (rule) => void calls.push(["masquerade", rule]),
    enableForwarding: (families) => void calls.push(["forwarding", families]),
    isolatePorts: async (rule) => void calls.push(["isolate", rule]),
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
    subnet,
    subnet6: undefined,
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
    ["forwarding", ["ipv4"]],
    ["masquerade", { table: "lichen", sources: ["10.210.0.0/16"], exceptBridge: "lichen0" }],
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

test("the cluster's range is taken when it is the node's own, and refused with the way out when not", async () => {
  const driver = network(kernelWith().kernel);
  await driver.usePodCidrs(["10.210.0.0/16"]);
  await assert.rejects(
    driver.usePodCidrs(["10.7.0.0/24"]),
    (error) =>
      error instanceof LichenError &&
      error.code === "FAILED_PRECONDITION" &&
      error.hint === 'set network.subnet = "10.7.0.0/24" in the configuration and restart lichen',
  );
});

test("with IPv6 the bridge and each pod have an address of either family, and both are masqueraded", async () => {
  const { kernel, calls } = kernelWith();
  const driver = network(kernel, true, { subnet6: parseSubnet6("fd00:1:2:3::/64") });
  const { ips, interface: made } = await driver.prepare(request("a"));
  assert.deepEqual(ips, ["10.210.0.2", "fd00:1:2:3::2"]);
  assert.deepEqual(made?.addresses, ["10.210.0.2/16", "fd00:1:2:3::2/64"]);
  assert.deepEqual(made?.gateways, ["10.210.0.1", "fd00:1:2:3::1"]);
  assert.deepEqual(calls.slice(1), [
    ["forwarding", ["ipv4", "ipv6"]],
    [
      "masquerade",
      { table: "lichen", sources: ["10.210.0.0/16", "fd00:1:2:3::/64"], exceptBridge: "lichen0" },
    ],
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
