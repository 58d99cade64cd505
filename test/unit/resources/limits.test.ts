import assert from "node:assert/strict";
import { test } from "node:test";
import type { LinuxContainerResources } from "#cri";
import { LichenError } from "../../../src/errors.ts";
import { cgroupSettings, weightOfShares } from "../../../src/resources/limits.ts";

const none: LinuxContainerResources = {
  cpuPeriod: 0,
  cpuQuota: 0,
  cpuShares: 0,
  memoryLimitInBytes: 0,
  oomScoreAdj: 0,
  cpusetCpus: "",
  cpusetMems: "",
  hugepageLimits: [],
  unified: {},
  memorySwapLimitInBytes: 0,
};
const written = (fields: Partial<LinuxContainerResources>) =>
  Object.fromEntries(cgroupSettings({ ...none, ...fields }).map(({ file, value }) => [file, value]));
const kinds = (fields: Partial<LinuxContainerResources>) =>
  Object.fromEntries(cgroupSettings({ ...none, ...fields }).map(({ file, kind }) => [file, kind]));
const refused = (error: unknown) => error instanceof LichenError && error.code === "INVALID_ARGUMENT";

test("nothing asked for writes nothing", () => {
  assert.deepEqual(cgroupSettings(null), []);
  assert.deepEqual(cgroupSettings(none), []);
  assert.deepEqual(written({ cpuPeriod: 100000, oomScoreAdj: 500 }), {});
});

test("cpu: quota with its period or the kernel's, shares as a weight, sets as they are", () => {
  assert.deepEqual(written({ cpuQuota: 50000 }), { "cpu.max": "50000 100000" });
  assert.deepEqual(written({ cpuQuota: 5000, cpuPeriod: 10000 }), { "cpu.max": "5000 10000" });
  assert.deepEqual(written({ cpusetCpus: "0-1", cpusetMems: "0" }), {
    "cpuset.cpus": "0-1",
    "cpuset.mems": "0",
  });
  assert.deepEqual(written({ cpuQuota: -1, cpuPeriod: 10000 }), { "cpu.max": "max 10000" });
  assert.deepEqual(written({ cpuShares: 1024 }), { "cpu.weight": "100" });
});

test("shares cover the whole range of weights and do not leave it", () => {
  assert.deepEqual([0, 2, 1024, 262_144, 1_000_000].map(weightOfShares), [1, 1, 100, 10_000, 10_000]);
  const all = Array.from({ length: 262_144 }, (_, shares) => weightOfShares(shares));
  assert.ok(
    all.every((weight, shares) => weight >= (all[shares - 1] ?? 1)),
    "more shares never weigh less",
  );
});

test("memory: swap is what the total leaves above memory", () => {
  assert.deepEqual(written({ memoryLimitInBytes: 1000 }), { "memory.max": "1000" });
  assert.deepEqual(written({ memoryLimitInBytes: 1000, memorySwapLimitInBytes: 1000 }), {
    "memory.max": "1000",
    "memory.swap.max": "0",
  });
  assert.deepEqual(
    written({ memoryLimitInBytes: 1000, memorySwapLimitInBytes: 1500 })["memory.swap.max"],
    "500",
  );
  assert.deepEqual(
    written({ memoryLimitInBytes: 1000, memorySwapLimitInBytes: -1 })["memory.swap.max"],
    "max",
  );
  assert.throws(() => written({ memoryLimitInBytes: 1000, memorySwapLimitInBytes: 999 }), refused);
});

test("huge pages: a limit of 0, which the kubelet always sends, is not asked for", () => {
  const hugepageLimits = [
    { pageSize: "2MB", limit: 4_194_304 },
    { pageSize: "1GB", limit: 0 },
  ];
  assert.deepEqual(written({ hugepageLimits }), { "hugetlb.2MB.max": "4194304" });
  assert.throws(() => written({ hugepageLimits: [{ pageSize: "../x", limit: 1 }] }), refused);
});

test("unified: files of controllers, and nothing else", () => {
  assert.deepEqual(written({ unified: { "pids.max": "10" } }), { "pids.max": "10" });
  for (const file of ["cgroup.procs", "../memory.max", "memory", "a/b.c", "Memory.max"]) {
    assert.throws(() => written({ unified: { [file]: "1" } }), refused, file);
  }
});

test("-1 lifts a limit, which needs no controller", () => {
  const lifted = { memoryLimitInBytes: -1, memorySwapLimitInBytes: -1, cpuQuota: -1 };
  assert.deepEqual(written(lifted), {
    "cpu.max": "max 100000",
    "memory.max": "max",
    "memory.swap.max": "max",
  });
  assert.deepEqual(new Set(Object.values(kinds(lifted))), new Set(["lift"]));
});

test("limits are limits; shares and the OOM group are preferences", () => {
  assert.deepEqual(
    kinds({
      cpuShares: 2,
      cpuQuota: 1000,
      memoryLimitInBytes: 1,
      unified: { "memory.oom.group": "1", "pids.max": "1" },
    }),
    {
      "cpu.weight": "preference",
      "cpu.max": "limit",
      "memory.max": "limit",
      "memory.oom.group": "preference",
      "pids.max": "limit",
    },
  );
});
