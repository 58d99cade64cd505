import { flatNumber, numberAt } from "./scan.ts";
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
  const stat = texts("cpu.stat");
  const usage = flatNumber(stat, "usage_usec ");
  if (usage === undefined) return undefined;
  const periods = flatNumber(stat, "nr_periods ");
  return {
    usageNanoseconds: nanoseconds(usage),
    userNanoseconds: nanoseconds(flatNumber(stat, "user_usec ")),
    systemNanoseconds: nanoseconds(flatNumber(stat, "system_usec ")),
    throttling:
      periods === undefined
        ? undefined
        : {
            periods,
            throttledPeriods: flatNumber(stat, "nr_throttled ") ?? 0,
            nanoseconds: (flatNumber(stat, "throttled_usec ") ?? 0) * 1000,
          },
    pressure: parsePressure(texts("cpu.pressure")),
  };
}

const nanoseconds = (microseconds = 0) => BigInt(microseconds) * 1000n;

function memory(texts: CgroupTexts): MemoryUsage | undefined {
  const current = texts("memory.current");
  if (current === undefined) return undefined;
  const stat = texts("memory.stat");
  const events = texts("memory.events");
  const value = (key: string) => flatNumber(stat, key) ?? 0;
  const usageBytes = Number(current);
  const workingSetBytes = Math.max(usageBytes - value("inactive_file "), 0);
  const peak = texts("memory.peak");
  return {
    usageBytes,
    workingSetBytes,
    rssBytes: value("anon "),
    pageFaults: value("pgfault "),
    majorPageFaults: value("pgmajfault "),
    availableBytes: leftBelow(texts("memory.max"), workingSetBytes),
    details: {
      cacheBytes: value("file "),
      mappedFileBytes: value("file_mapped "),
      activeFileBytes: value("active_file "),
      inactiveFileBytes: value("inactive_file "),
      kernelBytes: value("kernel "),
      peakBytes: peak === undefined ? undefined : Number(peak),
      limitHits: flatNumber(events, "max ") ?? 0,
      oomKills: flatNumber(events, "oom_kill ") ?? 0,
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
  if (text === undefined) return undefined;
  const some = pressureLine(text, 0, "some ");
  return some && { some, full: pressureLine(text, text.indexOf("\n") + 1, "full ") ?? noPressure };
}

const noPressure: PressureLine = { totalNanoseconds: 0, avg10: 0, avg60: 0, avg300: 0 };

function pressureLine(text: string, start: number, kind: string): PressureLine | undefined {
  if (!text.startsWith(kind, start)) return undefined;
  const value = (key: string) => {
    const at = text.indexOf(key, start);
    return at < 0 ? 0 : numberAt(text, at + key.length);
  };
  return {
    totalNanoseconds: value("total=") * 1000,
    avg10: value("avg10="),
    avg60: value("avg60="),
    avg300: value("avg300="),
  };
}
