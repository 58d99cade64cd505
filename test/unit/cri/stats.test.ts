import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { containerStatsMessage } from "../../../src/cri/messages/container-stats.ts";
import { sandboxStatsMessage } from "../../../src/cri/messages/sandbox-stats.ts";
import { containerUsage, podUsage, traffic, wholeUsage } from "./usage.ts";

describe("container stats messages", () => {
  it("leave out what nothing in the kernel tells", () => {
    const message = containerStatsMessage(containerUsage());
    assert.deepEqual(
      [message.cpu, message.memory, message.swap, message.io, message.writableLayer],
      [undefined, undefined, undefined, undefined, undefined],
    );
    assert.equal(message.attributes?.id, "c".repeat(64));
  });

  it("tell CPU, its rate, and numbers beyond 2^53, exactly", () => {
    const { cpu } = containerStatsMessage(containerUsage({ ...wholeUsage, nanoCores: 250_000_000n }));
    assert.equal(cpu?.timestamp, "1764000000000000007");
    assert.deepEqual(cpu?.usageCoreNanoSeconds, { value: "9007199254740993" });
    assert.deepEqual(cpu?.usageNanoCores, { value: "250000000" });
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
      timestamp: "5",
      fsId: { mountpoint: "/d" },
      usedBytes: { value: 3 },
      inodesUsed: { value: 2 },
    });
  });
});

describe("pod stats messages", () => {
  it("tell the pod, its processes and its containers", () => {
    const message = sandboxStatsMessage(podUsage({ ...wholeUsage, containers: [containerUsage()] }));
    assert.equal(message.attributes?.id, "a".repeat(64));
    assert.deepEqual(message.linux?.process?.processCount, { value: 3 });
    assert.equal(message.linux?.containers?.[0]?.attributes?.id, "c".repeat(64));
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
