import type { Cgroups } from "../cgroups.ts";
import { type CgroupUsage, usageFiles, usageOfCgroup } from "./cgroup.ts";
import { readOnce } from "./files.ts";
import { networkUsage } from "./network.ts";
import { descendants, numbers, type ProcessesUsage, usageOfProcesses } from "./processes.ts";
import type { CpuUsage, InterfaceUsage, MemoryUsage, SwapUsage, Usage } from "./types.ts";

/** A container or pod whose usage is asked for. */
export interface Subject {
  /** The cgroups whose figures count: one, unless its cgroup is shared with others; none without delegation. */
  cgroups: readonly string[];
  /** The cgroups that hold its processes. */
  leaves: readonly string[];
  /** Its first process, which is looked for where it has no cgroup; 0 for none. */
  pid: number;
  /** A process in its network namespace, where it has one of its own; else 0. */
  network: number;
}

/** What a subject uses, and its network interfaces but for loopback. */
export interface SubjectUsage extends Usage {
  interfaces: InterfaceUsage[];
}

/**
 * What all of these use: from their cgroups where the kernel counts (cpu.stat needs no controller, memory.* does), else summed over their
 * processes in /proc, which misses what exited children used. Two rounds of reading whatever their number.
 */
export async function readUsage(cgroups: Cgroups, subjects: readonly Subject[]): Promise<SubjectUsage[]> {
  const [usages, interfaces] = await Promise.all([
    usageOf(cgroups, subjects),
    networkUsage(subjects.map(({ network }) => network)),
  ]);
  return usages.map((usage, index) => ({ ...usage, interfaces: interfaces[index] ?? [] }));
}

async function usageOf(cgroups: Cgroups, subjects: readonly Subject[]): Promise<Usage[]> {
  const files = usageFiles(cgroups.controllers);
  const placed = subjects.map((subject) => ({
    cgroups: subject.cgroups.filter((path) => path !== ""),
    leaves: subject.leaves.filter((path) => path !== ""),
  }));
  const at = (path: string, file: string) => `${cgroups.directory(path)}/${file}`;
  const paths = placed.flatMap((one) => [
    ...one.cgroups.flatMap((path) => files.map((file) => at(path, file))),
    ...one.leaves.map((path) => at(path, "cgroup.procs")),
  ]);
  const texts = await readOnce(paths);
  let next = 0;
  const counted = placed.map((one) => {
    const own = one.cgroups.map(() => {
      const first = next;
      next += files.length;
      return usageOfCgroup((file) => (files.includes(file) ? texts[first + files.indexOf(file)] : undefined));
    });
    const lists = one.leaves.map(() => texts[next++]);
    const known = lists.some((list) => list !== undefined);
    return { own: addUp(own), pids: known ? lists.flatMap((list) => numbers(list, "\n")) : undefined };
  });
  return completed(subjects, counted);
}

interface Counted {
  own: CgroupUsage;
  /** Undefined when no cgroup tells which processes there are. */
  pids: number[] | undefined;
}

/** Adds what only the processes themselves tell. */
async function completed(subjects: readonly Subject[], counted: readonly Counted[]): Promise<Usage[]> {
  const lost = counted.map(({ pids }, index) => (pids === undefined ? (subjects[index]?.pid ?? 0) : 0));
  const families = lost.some((pid) => pid > 0) ? await descendants(lost) : [];
  const pids = counted.map((one, index) => one.pids ?? families[index] ?? []);
  const wanting = counted.map(({ own }) => own.cpu === undefined || own.memory === undefined);
  const summed = await usageOfProcesses(pids.map((group, index) => (wanting[index] ? group : [])));
  return counted.map(({ own }, index) => complete(own, pids[index] ?? [], summed[index]));
}

function complete(own: CgroupUsage, pids: readonly number[], summed: ProcessesUsage | undefined): Usage {
  const swap = own.swap ?? (summed && { usageBytes: summed.swapBytes, availableBytes: undefined });
  return {
    cpu: own.cpu ?? summed?.cpu,
    memory: own.memory ?? (summed && { ...summed.memory, pressure: own.pressure }),
    swap,
    io: own.io,
    processes: pids.length === 0 && own.cpu === undefined ? undefined : pids.length,
    threads: own.threads ?? summed?.threads,
  };
}

/** Figures of cgroups that belong together. Pressure is a share of time: it has no sum. */
function addUp(all: readonly CgroupUsage[]): CgroupUsage {
  const [first, ...more] = all;
  if (first === undefined) {
    return {
      cpu: undefined,
      memory: undefined,
      swap: undefined,
      io: undefined,
      threads: undefined,
      pressure: undefined,
    };
  }
  return more.reduce(add, first);
}

function add(one: CgroupUsage, other: CgroupUsage): CgroupUsage {
  return {
    cpu: both(one.cpu, other.cpu, addCpu),
    memory: both(one.memory, other.memory, addMemory),
    swap: both(one.swap, other.swap, addSwap),
    io: undefined,
    threads: both(one.threads, other.threads, (a, b) => a + b),
    pressure: undefined,
  };
}

function both<T>(one: T | undefined, other: T | undefined, sum: (one: T, other: T) => T): T | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return sum(one, other);
}

function addCpu(one: CpuUsage, other: CpuUsage): CpuUsage {
  return {
    usageNanoseconds: one.usageNanoseconds + other.usageNanoseconds,
    userNanoseconds: one.userNanoseconds + other.userNanoseconds,
    systemNanoseconds: one.systemNanoseconds + other.systemNanoseconds,
    throttling: undefined,
    pressure: undefined,
  };
}

function addMemory(one: MemoryUsage, other: MemoryUsage): MemoryUsage {
  return {
    usageBytes: one.usageBytes + other.usageBytes,
    workingSetBytes: one.workingSetBytes + other.workingSetBytes,
    rssBytes: one.rssBytes + other.rssBytes,
    pageFaults: one.pageFaults + other.pageFaults,
    majorPageFaults: one.majorPageFaults + other.majorPageFaults,
    availableBytes: undefined,
    details: undefined,
    pressure: undefined,
  };
}

const addSwap = (one: SwapUsage, other: SwapUsage): SwapUsage => ({
  usageBytes: one.usageBytes + other.usageBytes,
  availableBytes: undefined,
});
