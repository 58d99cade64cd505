import { readFileSync } from "node:fs";
import type { Cgroups } from "./cgroups.ts";

export interface CpuUsage {
  /** CPU time used since the start. */
  usageNanoseconds: bigint;
}

export interface MemoryUsage {
  usageBytes: number;
  /** Usage without what can be dropped at once (inactive file pages). */
  workingSetBytes: number;
  rssBytes: number;
  pageFaults: number;
  majorPageFaults: number;
  /** Limit minus working set; undefined without a limit. */
  availableBytes: number | undefined;
}

export interface ProcessUsage {
  cpu: CpuUsage | undefined;
  memory: MemoryUsage | undefined;
}

const pageSize = 4096;
const ticksPerSecond = 100n;

/**
 * What a container uses: from its cgroup where the kernel counts (cpu.stat needs no controller, memory.* does), else summed over the
 * container's processes in /proc (`pid` is its first one), which misses what exited children used.
 */
export function processUsage(cgroups: Cgroups, path: string, pid: number): ProcessUsage {
  const cpu = cgroupCpu(cgroups, path);
  const memory = cgroupMemory(cgroups, path);
  if (cpu !== undefined && memory !== undefined) return { cpu, memory };
  const processes = (cgroupProcesses(cgroups, path) ?? descendants(pid)).flatMap(
    (id) => processStat(id) ?? [],
  );
  if (processes.length === 0) return { cpu, memory };
  return { cpu: cpu ?? summedCpu(processes), memory: memory ?? summedMemory(processes) };
}

function cgroupCpu(cgroups: Cgroups, path: string): CpuUsage | undefined {
  const usage = flatKeys(cgroups.read(path, "cpu.stat")).get("usage_usec");
  return usage === undefined ? undefined : { usageNanoseconds: BigInt(usage) * 1000n };
}

function cgroupMemory(cgroups: Cgroups, path: string): MemoryUsage | undefined {
  const current = cgroups.read(path, "memory.current");
  if (current === undefined) return undefined;
  const stat = flatKeys(cgroups.read(path, "memory.stat"));
  const value = (key: string) => Number(stat.get(key) ?? 0);
  const usageBytes = Number(current.trim());
  const workingSetBytes = Math.max(usageBytes - value("inactive_file"), 0);
  const limit = Number(cgroups.read(path, "memory.max")?.trim());
  return {
    usageBytes,
    workingSetBytes,
    rssBytes: value("anon"),
    pageFaults: value("pgfault"),
    majorPageFaults: value("pgmajfault"),
    availableBytes: Number.isFinite(limit) ? Math.max(limit - workingSetBytes, 0) : undefined,
  };
}

/** "flat keyed" files of cgroup v2: a line `key value` each. */
function flatKeys(text: string | undefined): Map<string, string> {
  return new Map((text ?? "").split("\n").map((line) => line.split(" ", 2) as [string, string]));
}

function cgroupProcesses(cgroups: Cgroups, path: string): number[] | undefined {
  const text = cgroups.read(path, "cgroup.procs");
  return text?.split("\n").filter(Boolean).map(Number);
}

/** The process and everything it and its children started that was not given away to another parent. */
function descendants(pid: number): number[] {
  if (pid === 0) return [];
  const children = (readProc(pid, `task/${pid}/children`) ?? "").split(" ").filter(Boolean).map(Number);
  return [pid, ...children.flatMap(descendants)];
}

interface ProcessStat {
  minorFaults: number;
  majorFaults: number;
  ticks: bigint;
  rssBytes: number;
  /** As rssBytes, but of a page that several processes share each counts its part. */
  pssBytes: number;
}

/** /proc/PID/stat, proc_pid_stat(5); the name in parentheses may hold anything, so fields count from the last one. */
function processStat(pid: number): ProcessStat | undefined {
  const text = readProc(pid, "stat");
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (number: number) => fields[number - 3] ?? "0";
  return {
    minorFaults: Number(field(10)),
    majorFaults: Number(field(12)),
    ticks: BigInt(field(14)) + BigInt(field(15)) + BigInt(field(16)) + BigInt(field(17)),
    ...residentMemory(pid, Number(field(24)) * pageSize),
  };
}

/** smaps_rollup counts exactly; what stat says (`approximately`) may be 0 for a small process, since kernel 6.2 counts per CPU. */
function residentMemory(pid: number, approximately: number): { rssBytes: number; pssBytes: number } {
  const text = readProc(pid, "smaps_rollup") ?? "";
  const kilobytes = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
  const rssBytes = kilobytes("Rss") * 1024 || approximately;
  return { rssBytes, pssBytes: kilobytes("Pss") * 1024 || rssBytes };
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return undefined;
  }
}

function summedCpu(processes: ProcessStat[]): CpuUsage {
  const ticks = processes.reduce((sum, { ticks }) => sum + ticks, 0n);
  return { usageNanoseconds: (ticks * 1_000_000_000n) / ticksPerSecond };
}

function summedMemory(processes: ProcessStat[]): MemoryUsage {
  const sum = (member: "minorFaults" | "majorFaults" | "rssBytes" | "pssBytes") =>
    processes.reduce((total, one) => total + one[member], 0);
  return {
    usageBytes: sum("pssBytes"),
    workingSetBytes: sum("pssBytes"),
    rssBytes: sum("rssBytes"),
    pageFaults: sum("minorFaults") + sum("majorFaults"),
    majorPageFaults: sum("majorFaults"),
    availableBytes: undefined,
  };
}
