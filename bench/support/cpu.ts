import { readFileSync } from "node:fs";
import { processesIn } from "./memory.ts";

/** The clock ticks of /proc/PID/stat; 100 on every architecture that Node runs on. */
const ticksPerSecond = 100;

/** Seconds of CPU that a cgroup's processes whose command line matches have used, each since its start. */
export function cpuSeconds(cgroup: string, matching: RegExp): number {
  let ticks = 0;
  for (const pid of processesIn(cgroup)) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      if (!matching.test(command)) continue;
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      // Fields 14 and 15, utime and stime; the second field is in parentheses and may hold anything.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // It has ended meanwhile.
    }
  }
  return ticks / ticksPerSecond;
}
