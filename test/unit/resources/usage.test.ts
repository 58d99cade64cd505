import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Cgroups } from "../../../src/resources/cgroups.ts";
import { DiskUsageCache, diskUsage } from "../../../src/resources/disk-usage.ts";
import { processUsage } from "../../../src/resources/usage.ts";

const base = mkdtempSync(join(tmpdir(), "lichen-usage-"));
after(() => rmSync(base, { recursive: true }));

/** A cgroup directory with these files. */
function cgroupWith(files: Record<string, string>) {
  const root = mkdtempSync(join(base, "root-"));
  mkdirSync(join(root, "c"));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(root, "c", file), text);
  return new Cgroups({
    delegated: true,
    controllers: [],
    reason: "",
    missing: "refuse",
    onUnenforced: () => {},
    root,
  });
}

const memoryFiles = {
  "memory.current": "1000000\n",
  "memory.stat": "anon 400000\nfile 500000\ninactive_file 300000\npgfault 70\npgmajfault 3\n",
};

test("a cgroup with the memory controller tells everything itself", () => {
  const cgroups = cgroupWith({
    "cpu.stat": "usage_usec 2500\nuser_usec 2000\nsystem_usec 500\n",
    "memory.max": "2000000\n",
    ...memoryFiles,
  });
  assert.deepEqual(processUsage(cgroups, "/c", 0), {
    cpu: { usageNanoseconds: 2_500_000n },
    memory: {
      usageBytes: 1_000_000,
      workingSetBytes: 700_000,
      rssBytes: 400_000,
      pageFaults: 70,
      majorPageFaults: 3,
      availableBytes: 1_300_000,
    },
  });
});

test("without a limit nothing is said to be available", () => {
  const cgroups = cgroupWith({ "cpu.stat": "usage_usec 1\n", "memory.max": "max\n", ...memoryFiles });
  assert.equal(processUsage(cgroups, "/c", 0).memory?.availableBytes, undefined);
});

test("without the memory controller the cgroup's processes are summed over /proc", () => {
  const cgroups = cgroupWith({ "cpu.stat": "usage_usec 7\n", "cgroup.procs": `${process.pid}\n` });
  const { cpu, memory } = processUsage(cgroups, "/c", 1);
  assert.equal(cpu?.usageNanoseconds, 7000n);
  const actual = process.memoryUsage.rss();
  assert.ok(memory !== undefined && memory.rssBytes > actual / 2 && memory.rssBytes < actual * 2);
  assert.ok(memory.pageFaults > 0);
});

test("without a cgroup the first process and its children are", async () => {
  const none = cgroupWith({});
  const parent = spawn("sh", ["-c", "sleep 60 & echo; wait"], {
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  try {
    await new Promise((resolve) => parent.stdout.once("data", resolve));
    const { cpu, memory } = processUsage(none, "", parent.pid!);
    const alone = processUsage(cgroupWith({ "cgroup.procs": `${parent.pid}\n` }), "/c", 0);
    assert.ok(cpu !== undefined && memory !== undefined && alone.memory !== undefined);
    assert.ok(memory.rssBytes > alone.memory.rssBytes, "the child counts");
  } finally {
    process.kill(-parent.pid!, "SIGKILL");
  }
});

test("what has ended uses nothing that could be told", () => {
  assert.deepEqual(processUsage(cgroupWith({}), "", 0), { cpu: undefined, memory: undefined });
});

test("disk usage counts blocks and inodes, a hard link once, a symbolic link not followed", async () => {
  const tree = mkdtempSync(join(base, "tree-"));
  writeFileSync(join(tree, "a"), Buffer.alloc(100_000, 1));
  linkSync(join(tree, "a"), join(tree, "b"));
  symlinkSync("/", join(tree, "root"));
  mkdirSync(join(tree, "d"));
  const { bytes, inodes } = await diskUsage(tree);
  assert.equal(inodes, 4);
  assert.ok(bytes >= 98_304 && bytes < 200_000, String(bytes));
});

test("disk usage of what does not exist is nothing", async () => {
  assert.deepEqual(await diskUsage(join(base, "nowhere")), { bytes: 0, inodes: 0 });
});

test("a tree asked about again at once is not walked again; a forgotten one is", async () => {
  const tree = mkdtempSync(join(base, "tree-"));
  const cache = new DiskUsageCache();
  const [first, together] = await Promise.all([cache.of(tree), cache.of(tree)]);
  writeFileSync(join(tree, "new"), "");
  assert.deepEqual([together, await cache.of(tree)], [first, first]);
  cache.forget(tree);
  assert.equal((await cache.of(tree)).inodes, first.inodes + 1);
});
