import { nativeAsync } from "./addon.ts";

/** A container or pod whose usage is asked for; cgroups are absolute paths of directories. */
export interface UsageSubject {
  /** The cgroups whose figures count: one, unless its cgroup is shared with others; none without delegation. */
  cgroups: readonly string[];
  /** The cgroups that hold its processes. */
  leaves: readonly string[];
  /** Its first process, which is looked for where it has no cgroup; 0 for none. */
  pid: number;
  /** A process in its network namespace, where it has one of its own; else 0. */
  network: number;
}

/** Several figures of something with a name; `first` is the place of the first one in `figures`. */
export interface NamedFigures {
  name: string;
  figures: Float64Array;
  first: number;
}

/** What was read of a subject. */
export interface SubjectFigures {
  /** The figure at `first + figure.NAME`; NaN for one that nothing in the kernel tells. */
  figures: Float64Array;
  first: number;
  /** But for loopback: bytes, packets, errors, dropped, received and then transmitted. */
  interfaces: NamedFigures[];
  /** Block devices (`major:minor`): bytes read and written, reads, writes. */
  devices: NamedFigures[];
}

/**
 * Places of the figures in a row of native/core/usage_figures.h. Times are in microseconds, sizes in bytes. Pressures are eight figures each: total, avg10,
 * avg60 and avg300 of `some`, then of `full`.
 */
export const figure = {
  cpuUsage: 0,
  cpuUser: 1,
  cpuSystem: 2,
  periods: 3,
  throttledPeriods: 4,
  throttledTime: 5,
  cpuPressure: 6,
  memoryPressure: 14,
  ioPressure: 22,
  memoryUsage: 30,
  workingSet: 31,
  rss: 32,
  pageFaults: 33,
  majorPageFaults: 34,
  memoryAvailable: 35,
  cache: 36,
  mappedFile: 37,
  activeFile: 38,
  inactiveFile: 39,
  kernelMemory: 40,
  peak: 41,
  limitHits: 42,
  oomKills: 43,
  swapUsage: 44,
  swapAvailable: 45,
  processes: 46,
  threads: 47,
} as const;

const rowLength = 48;
const interfaceLength = 8;
const deviceLength = 4;

/**
 * What all of these use, read off the main thread: from their cgroups where the kernel counts (cpu.stat needs no controller, memory.* does), else
 * summed over their processes in /proc, which misses what exited children used.
 */
export async function readFigures(
  subjects: readonly UsageSubject[],
  controllers: readonly string[],
): Promise<SubjectFigures[]> {
  const paths = subjects.flatMap(({ cgroups, leaves }) => [...cgroups, ...leaves]);
  const shapes = subjects.flatMap(({ pid, network, cgroups, leaves }) => [
    pid,
    network,
    cgroups.length,
    leaves.length,
  ]);
  const { figures, names } = await nativeAsync((raw) => raw.readUsage(paths, shapes, controllers));
  const named = names.split(" ");
  let at = 0;
  let next = 0;
  const take = (count: number, length: number): NamedFigures[] =>
    Array.from({ length: count }, () => {
      const first = at;
      at += length;
      return { name: named[next++] ?? "", figures, first };
    });
  return subjects.map(() => {
    const first = at;
    at += rowLength + 2;
    return {
      figures,
      first,
      interfaces: take(figures[first + rowLength] ?? 0, interfaceLength),
      devices: take(figures[first + rowLength + 1] ?? 0, deviceLength),
    };
  });
}
