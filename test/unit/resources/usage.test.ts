import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Cgroups } from "../../../src/resources/cgroups.ts";
import { CpuRates } from "../../../src/resources/usage/rates.ts";
import { readUsage } from "../../../src/resources/usage/read.ts";

const base = mkdtempSync(join(tmpdir(), "lichen-usage-"));
after(() => rmSync(base, { recursive: true }));

/** A node on which each name is a cgroup with these files. */
function cgroupsWith(named: Record<string, Record<string, string>>, controllers: readonly string[] = []) {
  const root = mkdtempSync(join(base, "root-"));
  for (const [name, files] of Object.entries(named)) {
    mkdirSync(join(root, name));
    for (const [file, text] of Object.entries(files)) writeFileSync(join(root, name, file), text);
  }
  const onUnenforced = () => {};
  return new Cgroups({
    delegated: true,
    controllers,
    reason: "",
    missing: "refuse",
    driver: "auto",
    onUnenforced,
    root,
  });
}
const one = async (cgroups: Cgroups, path: string, pid: number) => {
  const [usage] = await readUsage(cgroups, [{ cgroups: [path], leaves: [path], pid, network: 0 }]);
  return usage!;
};

const memoryFiles = {
  "memory.current": "1000000\n",
  "memory.stat": "anon 400000\nfile 500000\ninactive_file 300000\npgfault 70\npgmajfault 3\n",
  "memory.max": "2000000\n",
  "memory.events": "low 0\nhigh 0\nmax 4\noom 2\noom_kill 1\n",
  "memory.swap.current": "30\n",
  "memory.swap.max": "100\n",
};

test("a cgroup with every controller tells everything itself", async () => {
  const cgroups = cgroupsWith(
    {
      c: {
        "cpu.stat": "usage_usec 2500\nuser_usec 2000\nsystem_usec 500\nnr_periods 8\nnr_throttled 2\n",
        "pids.current": "12\n",
        "io.stat": "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n",
        "cgroup.procs": "1\n2\n",
        ...memoryFiles,
      },
    },
    ["memory", "io", "pids"],
  );
  const { cpu, memory, swap, io, processes, threads } = await one(cgroups, "/c", 0);
  assert.equal(cpu?.usageNanoseconds, 2_500_000n);
  assert.deepEqual(cpu?.throttling, { periods: 8, throttledPeriods: 2, nanoseconds: 0 });
  assert.deepEqual(
    [memory?.usageBytes, memory?.workingSetBytes, memory?.rssBytes, memory?.availableBytes],
    [1_000_000, 700_000, 400_000, 1_300_000],
  );
  assert.deepEqual([memory?.details?.limitHits, memory?.details?.oomKills], [4, 1]);
  assert.deepEqual(swap, { usageBytes: 30, availableBytes: 70 });
  assert.deepEqual(io?.devices, [{ device: "8:0", readBytes: 1, writeBytes: 2, reads: 3, writes: 4 }]);
  assert.deepEqual([processes, threads], [2, 12]);
});

test("without a limit nothing is said to be available", async () => {
  const files = { "cpu.stat": "usage_usec 1\n", ...memoryFiles, "memory.max": "max\n" };
  const { memory } = await one(cgroupsWith({ c: files }, ["memory"]), "/c", 0);
  assert.equal(memory?.availableBytes, undefined);
});

test("without the memory controller the cgroup's processes are summed over /proc, and pressure is told", async () => {
  const pressure = "some avg10=1.00 avg60=2.00 avg300=3.00 total=4\nfull avg10=0 avg60=0 avg300=0 total=0\n";
  const files = {
    "cpu.stat": "usage_usec 7\n",
    "cgroup.procs": `${process.pid}\n`,
    "memory.pressure": pressure,
  };
  const { cpu, memory, processes } = await one(cgroupsWith({ c: files }), "/c", 1);
  assert.equal(cpu?.usageNanoseconds, 7000n);
  const actual = process.memoryUsage.rss();
  assert.ok(memory !== undefined && memory.rssBytes > actual / 2 && memory.rssBytes < actual * 2);
  assert.ok(memory.pageFaults > 0);
  assert.equal(memory.pressure?.some.totalNanoseconds, 4000);
  assert.equal(processes, 1);
});

test("without a cgroup the first process and its children are", async () => {
  const parent = spawn("sh", ["-c", "sleep 60 & echo; wait"], {
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  try {
    await new Promise((resolve) => parent.stdout.once("data", resolve));
    const { cpu, memory, processes } = await one(cgroupsWith({}), "", parent.pid!);
    const alone = await one(cgroupsWith({ c: { "cgroup.procs": `${parent.pid}\n` } }), "/c", 0);
    assert.ok(cpu !== undefined && memory !== undefined && alone.memory !== undefined);
    assert.ok(memory.rssBytes > alone.memory.rssBytes, "the child counts");
    assert.equal(processes, 2);
  } finally {
    process.kill(-parent.pid!, "SIGKILL");
  }
});

test("what has ended uses nothing that could be told", async () => {
  const { interfaces, ...usage } = await one(cgroupsWith({}), "", 0);
  assert.deepEqual(interfaces, []);
  assert.ok(Object.values(usage).every((part) => part === undefined));
});

test("the parts of a pod in a shared cgroup are added up, and many are told apart", async () => {
  const cgroups = cgroupsWith(
    {
      a: { "cpu.stat": "usage_usec 1\n", ...memoryFiles, "cgroup.procs": "11\n" },
      b: { "cpu.stat": "usage_usec 10\n", ...memoryFiles, "cgroup.procs": "12\n13\n" },
    },
    ["memory"],
  );
  const subjects = [["/a", "/b"], ["/b"], ["/gone"], ["/a"]].map((paths) => ({
    cgroups: paths,
    leaves: paths,
    pid: 0,
    network: 0,
  }));
  const usages = await readUsage(cgroups, subjects);
  assert.deepEqual(
    usages.map(({ cpu }) => cpu?.usageNanoseconds),
    [11_000n, 10_000n, undefined, 1000n],
  );
  assert.deepEqual(
    usages.map(({ memory }) => memory?.workingSetBytes),
    [1_400_000, 700_000, undefined, 700_000],
  );
  assert.deepEqual(
    usages.map(({ processes }) => processes),
    [3, 2, undefined, 1],
  );
});

const second = 1_000_000_000n;

test("a rate is the average since the start at first, then since somebody asked before", () => {
  const rates = new CpuRates();
  assert.equal(rates.nanoCores("a", 0n, 10n * second, 5n * second), second / 2n);
  assert.equal(rates.nanoCores("a", 0n, 12n * second, 7n * second), second);
  // Within a second the span before counts, so the figure does not jump.
  assert.equal(
    rates.nanoCores("a", 0n, 12n * second + 5n, 7n * second),
    (2n * second * second) / (2n * second + 5n),
  );
  rates.forget("a");
  assert.equal(rates.nanoCores("a", 0n, 20n * second, 10n * second), second / 2n);
});

test("a rate is never negative, whatever sums and clocks do", () => {
  const rates = new CpuRates();
  rates.nanoCores("a", 0n, 10n * second, 5n * second);
  assert.equal(rates.nanoCores("a", 0n, 20n * second, 4n * second), 0n);
  assert.equal(rates.nanoCores("a", 0n, 5n * second, 9n * second), 0n);
});
