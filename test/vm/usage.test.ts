// What statistics tell of a container with every controller: what the kernel's files say, to the byte. The container is frozen first, so that
// they stand still.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import type { Metric, PsiStats } from "#cri";
import { type LichenNode, startNode } from "../support/node.ts";
import { eventually, logOf, pullBusybox, runContainer, runPod, type TestPod } from "../support/pods.ts";
import { cgroupOf, pidOf, shell } from "./support.ts";

const mebibyte = 1024 * 1024;
const limit = 96 * mebibyte;

let node: LichenNode;
let image: string;
let pod: TestPod;
let volume: string;
/** Of the container, and its cgroup. */
let id: string;
let leaf: string;

/** 24 MiB of memory that nothing can drop, 8 MiB of a file in the cache, 3 MiB written to the disk, and three processes. */
const script = `
  dd if=/dev/zero of=/volume/written bs=1M count=3 conv=fsync 2>/dev/null
  cat /volume/read >/dev/null; cat /volume/read >/dev/null
  (yes $(printf %01000d 7) | dd bs=64k count=384 iflag=fullblock 2>/dev/null; echo held >&2; exec sleep 100000) | tail -c ${24 * mebibyte}`;

before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
  pod = await runPod(node, "measured");
  volume = mkdtempSync(join(homedir(), "usage-"));
  writeFileSync(join(volume, "read"), Buffer.alloc(8 * mebibyte, "x"));
  await shell(`sync ${volume}/read && dd if=${volume}/read iflag=nocache count=0 status=none`);
  id = await runContainer(node, pod, image, "main", script, {
    mounts: [{ hostPath: volume, containerPath: "/volume" }],
    linux: { resources: { memoryLimitInBytes: limit, cpuQuota: 50_000, cpuPeriod: 100_000 } },
  });
  leaf = cgroupOf(await pidOf(node, id));
  const log = join(pod.config.logDirectory ?? "", "main.log");
  await eventually(() => assert.match(logOf(log, "stderr"), /held/));
  writeFileSync(join(leaf, "cgroup.freeze"), "1");
  await eventually(() => assert.match(file("cgroup.events"), /^frozen 1$/m));
});
after(async () => {
  await node?.stop();
  rmSync(volume, { recursive: true, force: true });
});

const file = (name: string, directory = leaf): string => readFileSync(join(directory, name), "utf8");
const number = (name: string, directory = leaf): number => Number(file(name, directory));
const line = (name: string, key: string, directory = leaf): number =>
  Number(new RegExp(`^${key} (\\d+)$`, "m").exec(file(name, directory))?.[1]);

/** What a pressure file says, as CRI tells it. */
function pressure(name: string, directory = leaf): PsiStats {
  const read = (kind: string) => {
    const [, avg10, avg60, avg300, total] =
      new RegExp(`^${kind} avg10=(\\S+) avg60=(\\S+) avg300=(\\S+) total=(\\d+)$`, "m").exec(
        file(name, directory),
      ) ?? [];
    return {
      Total: Number(total) * 1000,
      Avg10: Number(avg10),
      Avg60: Number(avg60),
      Avg300: Number(avg300),
    };
  };
  return { Full: read("full"), Some: read("some") };
}

/** Totals alone: averages go on changing while nothing runs. */
const totals = (stats: PsiStats | null | undefined) => [stats?.Full?.Total, stats?.Some?.Total];

async function statsOf() {
  const { stats } = await node.client.containerStats({ containerId: id });
  assert.ok(stats);
  return stats;
}

test("memory is what the memory controller counts", async () => {
  await eventually(async () => {
    const { memory } = await statsOf();
    const current = number("memory.current");
    const workingSet = current - line("memory.stat", "inactive_file");
    assert.deepEqual(
      {
        usage: memory?.usageBytes?.value,
        workingSet: memory?.workingSetBytes?.value,
        rss: memory?.rssBytes?.value,
        available: memory?.availableBytes?.value,
        faults: memory?.pageFaults?.value,
        majorFaults: memory?.majorPageFaults?.value,
      },
      {
        usage: current,
        workingSet,
        rss: line("memory.stat", "anon"),
        available: limit - workingSet,
        faults: line("memory.stat", "pgfault"),
        majorFaults: line("memory.stat", "pgmajfault"),
      },
    );
  });
  const { memory } = await statsOf();
  const rss = Number(memory?.rssBytes?.value);
  assert.ok(rss >= 24 * mebibyte && rss < 32 * mebibyte, `${rss}`);
  // The file's pages are used, but not held; those read twice count as working.
  assert.ok(Number(memory?.usageBytes?.value) >= rss + 3 * mebibyte, `${memory?.usageBytes?.value}`);
  assert.ok(Number(memory?.pageFaults?.value) > (24 * mebibyte) / 4096 / 512);
});

test("CPU time, its quota's work and the pressure are those of the cgroup", async () => {
  await eventually(async () => {
    const { cpu, memory, io } = await statsOf();
    assert.equal(cpu?.usageCoreNanoSeconds?.value, line("cpu.stat", "usage_usec") * 1000);
    assert.equal(cpu?.usageNanoCores?.value, 0, "it is frozen");
    assert.deepEqual(totals(cpu?.psi), totals(pressure("cpu.pressure")));
    assert.deepEqual(totals(memory?.psi), totals(pressure("memory.pressure")));
    assert.deepEqual(totals(io?.psi), totals(pressure("io.pressure")));
  });
  const { cpu } = await statsOf();
  assert.ok(Number(cpu?.psi?.Some?.Total) > 0, "half a CPU made it wait");
});

test("the metrics have what only controllers count: caches, peaks, devices, throttling, threads", async () => {
  const partition = (await shell("findmnt -no MAJ:MIN -T ~")).trim();
  const device = (await shell(`cat /sys/dev/block/${partition}/../dev`)).trim();
  const metrics = async () => {
    const { podMetrics } = await node.client.listPodSandboxMetrics({});
    const own = podMetrics.flatMap(({ containerMetrics }) => containerMetrics);
    return own.find(({ containerId }) => containerId === id)?.metrics ?? [];
  };
  const value = (list: Metric[], name: string, ...labels: string[]) =>
    list.find((metric) => metric.name === name && labels.every((label) => metric.labelValues.includes(label)))
      ?.value?.value;
  const ofDevice = (key: string) =>
    Number(new RegExp(`^${device} .*\\b${key}=(\\d+)`, "m").exec(file("io.stat"))?.[1]);
  await eventually(async () => {
    const list = await metrics();
    const wanted = {
      container_memory_cache: line("memory.stat", "file"),
      container_memory_rss: line("memory.stat", "anon"),
      container_memory_usage_bytes: number("memory.current"),
      container_memory_max_usage_bytes: number("memory.peak"),
      container_memory_total_active_file_bytes: line("memory.stat", "active_file"),
      container_memory_total_inactive_file_bytes: line("memory.stat", "inactive_file"),
      container_memory_failcnt: line("memory.events", "max"),
      container_oom_events_total: 0,
      container_cpu_cfs_periods_total: line("cpu.stat", "nr_periods"),
      container_cpu_cfs_throttled_periods_total: line("cpu.stat", "nr_throttled"),
      container_threads: number("pids.current"),
      container_spec_memory_limit_bytes: limit,
    };
    assert.deepEqual(
      Object.fromEntries(Object.keys(wanted).map((name) => [name, value(list, name)])),
      wanted,
    );
    assert.equal(value(list, "container_fs_writes_bytes_total", device), ofDevice("wbytes"));
    assert.equal(value(list, "container_fs_writes_total", device), ofDevice("wios"));
    assert.equal(value(list, "container_fs_reads_bytes_total", device), ofDevice("rbytes"));
  });
  assert.ok(ofDevice("wbytes") >= 3 * mebibyte);
  assert.ok(line("cpu.stat", "nr_throttled") > 0);
  assert.ok(number("pids.current") >= 3);
});

test("a pod's are those of its own cgroup, with the container's in it", async () => {
  const above = dirname(leaf);
  await eventually(async () => {
    const { stats } = await node.client.podSandboxStats({ podSandboxId: pod.id });
    const memory = stats?.linux?.memory;
    const current = number("memory.current", above);
    // The monitor is not frozen.
    assert.ok(
      Math.abs(Number(memory?.usageBytes?.value) - current) < mebibyte / 2,
      `${memory?.usageBytes?.value} ${current}`,
    );
    const rss = Number(memory?.rssBytes?.value);
    assert.ok(Math.abs(rss - line("memory.stat", "anon", above)) < mebibyte / 2, `${rss}`);
    const container = stats?.linux?.containers.find(({ attributes }) => attributes?.id === id);
    assert.ok(Number(container?.memory?.usageBytes?.value) <= Number(memory?.usageBytes?.value));
    assert.equal(memory?.availableBytes, null, "the pod as a whole has no limit");
    assert.deepEqual(totals(stats?.linux?.io?.psi), totals(pressure("io.pressure", above)));
    assert.ok(Number(stats?.linux?.process?.processCount?.value) >= 4, "the monitor's as well");
  });
});

test("without a limit of memory nothing is told to be left, and with one that changes what is left changes", async () => {
  const free = await runContainer(node, pod, image, "free", "exec sleep 100000");
  await eventually(async () => {
    const { stats } = await node.client.containerStats({ containerId: free });
    assert.ok(Number(stats?.memory?.usageBytes?.value) > 0);
    assert.equal(stats?.memory?.availableBytes, null);
  });
  await node.client.updateContainerResources({
    containerId: free,
    linux: { memoryLimitInBytes: 32 * mebibyte },
  });
  await eventually(async () => {
    const { stats } = await node.client.containerStats({ containerId: free });
    const left = Number(stats?.memory?.availableBytes?.value);
    assert.ok(left > 16 * mebibyte && left < 32 * mebibyte, `${left}`);
  });
  await node.client.stopContainer({ containerId: free, timeout: 0 });
});
