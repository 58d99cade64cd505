import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ContainerStats, PodSandboxStats } from "#cri";
import { serviceDefinition } from "../../../proto/contract.ts";
import { containerStatsMessage, encodedContainerStats } from "../../../src/cri/messages/container-stats.ts";
import { halves } from "../../../src/cri/messages/halves.ts";
import { encodedSandboxStats, sandboxStatsMessage } from "../../../src/cri/messages/sandbox-stats.ts";
import { containerUsage, podUsage, traffic, wholeUsage } from "./usage.ts";

/** What a client gets of the encoded answer `{ stats }`. */
function received<T>(rpc: string, stats: object): T {
  const { responseSerialize, responseDeserialize } = serviceDefinition("RuntimeService")[rpc]!;
  return (responseDeserialize(responseSerialize({ stats })) as { stats: T }).stats;
}

describe("container stats messages", () => {
  it("leave out what nothing in the kernel tells", () => {
    const message = containerStatsMessage(containerUsage());
    assert.deepEqual(
      [message.cpu, message.memory, message.swap, message.io, message.writableLayer],
      [undefined, undefined, undefined, undefined, undefined],
    );
    const { attributes } = received<ContainerStats>("ContainerStats", message);
    assert.equal(attributes?.id, "c".repeat(64));
  });

  it("are encoded once, and alike", () => {
    const usage = containerUsage({ ...wholeUsage, nanoCores: 5n });
    assert.equal(encodedContainerStats(usage), encodedContainerStats(usage));
    assert.deepEqual(
      received("ContainerStats", encodedContainerStats(usage)),
      received("ContainerStats", containerStatsMessage(usage)),
    );
    const other = encodedContainerStats({ ...usage, nanoCores: 6n });
    assert.equal(received<ContainerStats>("ContainerStats", other).cpu?.usageNanoCores?.value, 6);
  });

  it("tell CPU, its rate, and numbers beyond 2^53, exactly", () => {
    const { cpu } = containerStatsMessage(containerUsage({ ...wholeUsage, nanoCores: 250_000_000n }));
    assert.deepEqual(cpu?.timestamp, halves(1_764_000_000_000_000_007n));
    assert.deepEqual(cpu?.usageCoreNanoSeconds, { value: halves(9_007_199_254_740_993n) });
    assert.deepEqual(cpu?.usageNanoCores, { value: halves(250_000_000n) });
  });

  it("tell memory, and what is left below a limit even when that is nothing", () => {
    const { memory } = containerStatsMessage(containerUsage(wholeUsage));
    assert.deepEqual(memory?.workingSetBytes, { value: 8 });
    assert.deepEqual(memory?.availableBytes, { value: 0 });
    assert.deepEqual(memory?.majorPageFaults, { value: 5 });
  });

  it("tell swap and pressure in the contract's own spelling", () => {
    const message = containerStatsMessage(containerUsage(wholeUsage));
    assert.deepEqual(message.swap?.swapAvailableBytes, { value: 96 });
    assert.deepEqual(message.io?.psi, {
      Full: { Total: 2000, Avg10: 0, Avg60: 0, Avg300: 0 },
      Some: { Total: 3000, Avg10: 1.5, Avg60: 0.5, Avg300: 0.25 },
    });
  });

  it("tell of the writable layer when it was looked at, which is not now", () => {
    const writableLayer = { mountpoint: "/d", bytes: 3, inodes: 2, at: 5n };
    const message = containerStatsMessage(containerUsage({ writableLayer }));
    assert.deepEqual(message.writableLayer, {
      timestamp: { low: 5, high: 0 },
      fsId: { mountpoint: "/d" },
      usedBytes: { value: 3 },
      inodesUsed: { value: 2 },
    });
  });
});

describe("pod stats messages", () => {
  it("tell the pod, its processes and its containers", () => {
    const message = sandboxStatsMessage(podUsage({ ...wholeUsage, containers: [containerUsage()] }));
    assert.deepEqual(message.linux?.process?.processCount, { value: 3 });
    const { attributes, linux } = received<PodSandboxStats>("PodSandboxStats", message);
    assert.equal(attributes?.id, "a".repeat(64));
    assert.equal(linux?.containers[0]?.attributes?.id, "c".repeat(64));
    const usage = podUsage({ ...wholeUsage, containers: [containerUsage(wholeUsage)] });
    assert.deepEqual(
      received("PodSandboxStats", encodedSandboxStats(usage)),
      received("PodSandboxStats", sandboxStatsMessage(usage)),
    );
  });

  it("tell the first interface as the default one, and no network of a pod on the node's", () => {
    const interfaces = ["eth0", "net1"].map((name, index) => ({
      name,
      receive: traffic(10 * index),
      transmit: traffic(100 * index),
    }));
    const { network } = sandboxStatsMessage(podUsage({ interfaces })).linux ?? {};
    assert.deepEqual(network?.defaultInterface?.name, "eth0");
    assert.deepEqual(network?.interfaces, [
      {
        name: "net1",
        rxBytes: { value: 10 },
        rxErrors: { value: 12 },
        txBytes: { value: 100 },
        txErrors: { value: 102 },
      },
    ]);
    assert.equal(sandboxStatsMessage(podUsage()).linux?.network, undefined);
  });
});
