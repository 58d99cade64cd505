import {
  figure,
  type NamedFigures,
  readFigures,
  type SubjectFigures,
  type UsageSubject,
} from "../../native/usage.ts";
import type { Cgroups } from "../cgroups.ts";
import type {
  CpuUsage,
  InterfaceUsage,
  IoUsage,
  MemoryUsage,
  Pressure,
  PressureLine,
  TrafficUsage,
  Usage,
} from "./types.ts";

/** A container or pod whose usage is asked for; its cgroups are paths as Cgroups has them. */
export interface Subject extends UsageSubject {
  /** The id of the container or pod. */
  readonly key: string;
}

/** What a subject uses, and its network interfaces but for loopback. */
export interface SubjectUsage extends Usage {
  interfaces: InterfaceUsage[];
}

/**
 * What all of these use: from their cgroups where the kernel counts (cpu.stat needs no controller, memory.* does), else summed over their
 * processes in /proc, which misses what exited children used.
 */
export async function readUsage(
  cgroups: Cgroups,
  subjects: readonly UsageSubject[],
): Promise<SubjectUsage[]> {
  const directories = (paths: readonly string[]) =>
    paths.filter((path) => path !== "").map((path) => cgroups.directory(path));
  const read = await readFigures(
    subjects.map((subject) => ({
      ...subject,
      cgroups: directories(subject.cgroups),
      leaves: directories(subject.leaves),
    })),
    cgroups.controllers,
  );
  return read.map(usageOf);
}

/** The figure at a place, undefined for one that nothing tells. */
type Told = (place: number) => number | undefined;

function usageOf({ figures, first, interfaces, devices }: SubjectFigures): SubjectUsage {
  const told: Told = (place) => {
    const value = figures[first + place];
    return Number.isNaN(value) ? undefined : value;
  };
  const swap = told(figure.swapUsage);
  return {
    cpu: cpuOf(told),
    memory: memoryOf(told),
    swap: swap === undefined ? undefined : { usageBytes: swap, availableBytes: told(figure.swapAvailable) },
    io: ioOf(told, devices),
    processes: told(figure.processes),
    threads: told(figure.threads),
    interfaces: interfaces.map(interfaceOf),
  };
}

const nanoseconds = (microseconds = 0) => BigInt(microseconds) * 1000n;

function cpuOf(told: Told): CpuUsage | undefined {
  const usage = told(figure.cpuUsage);
  if (usage === undefined) return undefined;
  const periods = told(figure.periods);
  return {
    usageNanoseconds: nanoseconds(usage),
    userNanoseconds: nanoseconds(told(figure.cpuUser)),
    systemNanoseconds: nanoseconds(told(figure.cpuSystem)),
    throttling:
      periods === undefined
        ? undefined
        : {
            periods,
            throttledPeriods: told(figure.throttledPeriods) ?? 0,
            nanoseconds: (told(figure.throttledTime) ?? 0) * 1000,
          },
    pressure: pressureOf(told, figure.cpuPressure),
  };
}

function memoryOf(told: Told): MemoryUsage | undefined {
  const usageBytes = told(figure.memoryUsage);
  if (usageBytes === undefined) return undefined;
  const value = (place: number) => told(place) ?? 0;
  return {
    usageBytes,
    workingSetBytes: value(figure.workingSet),
    rssBytes: value(figure.rss),
    pageFaults: value(figure.pageFaults),
    majorPageFaults: value(figure.majorPageFaults),
    availableBytes: told(figure.memoryAvailable),
    details:
      told(figure.cache) === undefined
        ? undefined
        : {
            cacheBytes: value(figure.cache),
            mappedFileBytes: value(figure.mappedFile),
            activeFileBytes: value(figure.activeFile),
            inactiveFileBytes: value(figure.inactiveFile),
            kernelBytes: value(figure.kernelMemory),
            peakBytes: told(figure.peak),
            limitHits: value(figure.limitHits),
            oomKills: value(figure.oomKills),
          },
    pressure: pressureOf(told, figure.memoryPressure),
  };
}

function ioOf(told: Told, devices: readonly NamedFigures[]): IoUsage | undefined {
  const pressure = pressureOf(told, figure.ioPressure);
  if (pressure === undefined && devices.length === 0) return undefined;
  return {
    devices: devices.map(({ name, figures, first }) => ({
      device: name,
      readBytes: figures[first] ?? 0,
      writeBytes: figures[first + 1] ?? 0,
      reads: figures[first + 2] ?? 0,
      writes: figures[first + 3] ?? 0,
    })),
    pressure,
  };
}

function pressureOf(told: Told, place: number): Pressure | undefined {
  if (told(place) === undefined) return undefined;
  return { some: pressureLine(told, place), full: pressureLine(told, place + 4) };
}

function pressureLine(told: Told, place: number): PressureLine {
  return {
    totalNanoseconds: (told(place) ?? 0) * 1000,
    avg10: told(place + 1) ?? 0,
    avg60: told(place + 2) ?? 0,
    avg300: told(place + 3) ?? 0,
  };
}

function interfaceOf({ name, figures, first }: NamedFigures): InterfaceUsage {
  return { name, receive: trafficOf(figures, first), transmit: trafficOf(figures, first + 4) };
}

function trafficOf(figures: Float64Array, first: number): TrafficUsage {
  return {
    bytes: figures[first] ?? 0,
    packets: figures[first + 1] ?? 0,
    errors: figures[first + 2] ?? 0,
    dropped: figures[first + 3] ?? 0,
  };
}
