import { parseProcessStat, statField } from "../../process-stat.ts";
import { readOnce } from "./files.ts";
import { numberAt, valueStart } from "./scan.ts";
import type { CpuUsage, MemoryUsage } from "./types.ts";

const pageSize = 4096;
const nanosecondsPerTick = 10_000_000n;

/** One process, from /proc. */
interface ProcessStat {
  minorFaults: number;
  majorFaults: number;
  userTicks: number;
  systemTicks: number;
  threads: number;
  rssBytes: number;
  /** As rssBytes, but of a page that several processes share each counts its part. */
  pssBytes: number;
  swapBytes: number;
}

/** What processes use together; exited children count as far as they were waited for. */
export interface ProcessesUsage {
  cpu: CpuUsage;
  memory: MemoryUsage;
  swapBytes: number;
  threads: number;
}

/** Looks at groups of processes all at once; undefined for a group of which no process is left. */
export async function usageOfProcesses(
  groups: readonly (readonly number[])[],
): Promise<(ProcessesUsage | undefined)[]> {
  const paths = groups.flat().flatMap((pid) => [`/proc/${pid}/stat`, `/proc/${pid}/smaps_rollup`]);
  const texts = await readOnce(paths);
  let next = 0;
  return groups.map((group) => {
    const stats = group.flatMap(() => processStat(texts[next++], texts[next++]) ?? []);
    return stats.length === 0 ? undefined : sum(stats);
  });
}

/** The processes and everything they and their children started that was not given away to another parent, for each first process. */
export async function descendants(pids: readonly number[]): Promise<number[][]> {
  const found = pids.map((pid) => (pid > 0 ? [pid] : []));
  let frontier = found.map((pids) => [...pids]);
  while (frontier.some((pids) => pids.length > 0)) {
    const texts = await readOnce(frontier.flat().map((pid) => `/proc/${pid}/task/${pid}/children`));
    let next = 0;
    frontier = frontier.map((parents) => parents.flatMap(() => numbers(texts[next++], " ")));
    for (const [index, children] of frontier.entries()) found[index]?.push(...children);
  }
  return found;
}

/** The numbers of a list; none of a list that is not there. */
export function numbers(text: string | undefined, separator: string): number[] {
  return (text ?? "").split(separator).filter(Boolean).map(Number);
}

/** From /proc/PID/stat and /proc/PID/smaps_rollup. */
function processStat(stat: string | undefined, rollup: string | undefined): ProcessStat | undefined {
  if (stat === undefined) return undefined;
  const field = parseProcessStat(stat);
  return {
    minorFaults: Number(field(statField.minorFaults)),
    majorFaults: Number(field(statField.majorFaults)),
    userTicks: Number(field(statField.userTicks)) + Number(field(statField.childrenUserTicks)),
    systemTicks: Number(field(statField.systemTicks)) + Number(field(statField.childrenSystemTicks)),
    threads: Number(field(statField.threads)),
    ...residentMemory(rollup, Number(field(statField.residentPages)) * pageSize),
  };
}

/** smaps_rollup counts exactly; what stat says (`approximately`) may be 0 for a small process, since kernel 6.2 counts per CPU. */
function residentMemory(rollup: string | undefined, approximately: number) {
  const bytes = (key: string) =>
    rollup === undefined ? 0 : numberAt(rollup, valueStart(rollup, key)) * 1024;
  const rssBytes = bytes("Rss:") || approximately;
  return { rssBytes, pssBytes: bytes("Pss:") || rssBytes, swapBytes: bytes("SwapPss:") };
}

function sum(processes: readonly ProcessStat[]): ProcessesUsage {
  const total = { minor: 0, major: 0, user: 0, system: 0, threads: 0, rss: 0, pss: 0, swap: 0 };
  for (const one of processes) {
    total.minor += one.minorFaults;
    total.major += one.majorFaults;
    total.user += one.userTicks;
    total.system += one.systemTicks;
    total.threads += one.threads;
    total.rss += one.rssBytes;
    total.pss += one.pssBytes;
    total.swap += one.swapBytes;
  }
  const user = BigInt(total.user) * nanosecondsPerTick;
  const system = BigInt(total.system) * nanosecondsPerTick;
  return {
    cpu: {
      usageNanoseconds: user + system,
      userNanoseconds: user,
      systemNanoseconds: system,
      throttling: undefined,
      pressure: undefined,
    },
    memory: {
      usageBytes: total.pss,
      workingSetBytes: total.pss,
      rssBytes: total.rss,
      pageFaults: total.minor + total.major,
      majorPageFaults: total.major,
      availableBytes: undefined,
      details: undefined,
      pressure: undefined,
    },
    swapBytes: total.swap,
    threads: total.threads,
  };
}
