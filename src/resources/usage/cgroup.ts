import type { CpuUsage, DeviceIo, IoUsage, MemoryUsage, Pressure, PressureLine, SwapUsage } from "./types.ts";

/** The texts of one cgroup's files by name; undefined for a file that is not there. */
export type CgroupTexts = (file: string) => string | undefined;

/** What a cgroup counts by itself. */
export interface CgroupUsage {
  cpu: CpuUsage | undefined;
  memory: MemoryUsage | undefined;
  swap: SwapUsage | undefined;
  io: IoUsage | undefined;
  threads: number | undefined;
  /** Of memory, which is known without the controller as well. */
  pressure: Pressure | undefined;
}

/** In every cgroup: CPU time needs no controller, and pressure only a kernel that counts it. */
const everywhere = ["cpu.stat", "cpu.pressure", "memory.pressure", "io.pressure"];

const withController: Record<string, readonly string[]> = {
  memory: [
    "memory.current",
    "memory.stat",
    "memory.max",
    "memory.peak",
    "memory.events",
    "memory.swap.current",
    "memory.swap.max",
  ],
  io: ["io.stat"],
  pids: ["pids.current"],
};

/** The files that usageOfCgroup() reads, where these controllers are enabled. */
export function usageFiles(controllers: readonly string[]): string[] {
  return [...everywhere, ...controllers.flatMap((controller) => withController[controller] ?? [])];
}

/** cgroup-v2.rst says what the files hold. */
export function usageOfCgroup(texts: CgroupTexts): CgroupUsage {
  const threads = texts("pids.current");
  return {
    cpu: cpu(texts),
    memory: memory(texts),
    swap: swap(texts),
    io: io(texts),
    threads: threads === undefined ? undefined : Number(threads),
    pressure: parsePressure(texts("memory.pressure")),
  };
}

function cpu(texts: CgroupTexts): CpuUsage | undefined {
  const stat = flatKeys(texts("cpu.stat"));
  const usage = stat.get("usage_usec");
  if (usage === undefined) return undefined;
  const nanoseconds = (key: string) => BigInt(stat.get(key) ?? 0) * 1000n;
  const periods = stat.get("nr_periods");
  return {
    usageNanoseconds: BigInt(usage) * 1000n,
    userNanoseconds: nanoseconds("user_usec"),
    systemNanoseconds: nanoseconds("system_usec"),
    throttling:
      periods === undefined
        ? undefined
        : {
            periods: Number(periods),
            throttledPeriods: Number(stat.get("nr_throttled") ?? 0),
            nanoseconds: Number(nanoseconds("throttled_usec")),
          },
    pressure: parsePressure(texts("cpu.pressure")),
  };
}

function memory(texts: CgroupTexts): MemoryUsage | undefined {
  const current = texts("memory.current");
  if (current === undefined) return undefined;
  const stat = flatKeys(texts("memory.stat"));
  const events = flatKeys(texts("memory.events"));
  const value = (key: string) => Number(stat.get(key) ?? 0);
  const usageBytes = Number(current);
  const workingSetBytes = Math.max(usageBytes - value("inactive_file"), 0);
  const peak = texts("memory.peak");
  return {
    usageBytes,
    workingSetBytes,
    rssBytes: value("anon"),
    pageFaults: value("pgfault"),
    majorPageFaults: value("pgmajfault"),
    availableBytes: leftBelow(texts("memory.max"), workingSetBytes),
    details: {
      cacheBytes: value("file"),
      mappedFileBytes: value("file_mapped"),
      activeFileBytes: value("active_file"),
      inactiveFileBytes: value("inactive_file"),
      kernelBytes: value("kernel"),
      peakBytes: peak === undefined ? undefined : Number(peak),
      limitHits: Number(events.get("max") ?? 0),
      oomKills: Number(events.get("oom_kill") ?? 0),
    },
    pressure: parsePressure(texts("memory.pressure")),
  };
}

function swap(texts: CgroupTexts): SwapUsage | undefined {
  const current = texts("memory.swap.current");
  if (current === undefined) return undefined;
  const usageBytes = Number(current);
  return { usageBytes, availableBytes: leftBelow(texts("memory.swap.max"), usageBytes) };
}

/** What `max` or a limit leaves of it; undefined for `max`. */
function leftBelow(limit: string | undefined, used: number): number | undefined {
  const number = Number(limit);
  return Number.isFinite(number) ? Math.max(number - used, 0) : undefined;
}

function io(texts: CgroupTexts): IoUsage | undefined {
  const stat = texts("io.stat");
  const pressure = parsePressure(texts("io.pressure"));
  if (stat === undefined && pressure === undefined) return undefined;
  return { devices: parseIoStat(stat ?? ""), pressure };
}

/** "Nested keyed": `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …` a line. */
export function parseIoStat(text: string): DeviceIo[] {
  return text
    .split("\n")
    .filter((line) => line.includes("="))
    .map((line) => {
      const [device = "", ...pairs] = line.split(" ");
      const values = new Map(pairs.map((pair) => pair.split("=", 2) as [string, string]));
      const value = (key: string) => Number(values.get(key) ?? 0);
      return {
        device,
        readBytes: value("rbytes"),
        writeBytes: value("wbytes"),
        reads: value("rios"),
        writes: value("wios"),
      };
    });
}

/** `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`, and the same for `full`; in microseconds. */
export function parsePressure(text: string | undefined): Pressure | undefined {
  const [some, full] = (text ?? "").split("\n").map(pressureLine);
  return some && { some, full: full ?? { totalNanoseconds: 0, avg10: 0, avg60: 0, avg300: 0 } };
}

const pressurePattern = /^(?:some|full) avg10=([\d.]+) avg60=([\d.]+) avg300=([\d.]+) total=(\d+)/;

function pressureLine(line: string): PressureLine | undefined {
  const match = pressurePattern.exec(line);
  if (match === null) return undefined;
  const [avg10 = 0, avg60 = 0, avg300 = 0, total = 0] = match.slice(1).map(Number);
  return { totalNanoseconds: total * 1000, avg10, avg60, avg300 };
}

/** "Flat keyed" files: a line `key value` each. */
export function flatKeys(text: string | undefined): Map<string, string> {
  return new Map((text ?? "").split("\n").map((line) => line.split(" ", 2) as [string, string]));
}
