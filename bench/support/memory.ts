import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Every process in a cgroup directory and below it. */
export function processesIn(cgroup: string): number[] {
  const own = readFileSync(join(cgroup, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  const below = readdirSync(cgroup, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => processesIn(join(cgroup, entry.name)));
  return [...own, ...below];
}

/** Proportional set size in MiB of a cgroup's processes whose command line does not match `except` (a registry, say). */
export function pssOf(cgroup: string, except?: RegExp): number {
  let kibibytes = 0;
  for (const pid of processesIn(cgroup)) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      if (except?.test(command)) continue;
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
      kibibytes += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0);
    } catch (error) {
      if (!["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }
  return kibibytes / 1024;
}
