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
    kibibytes +=
      (except?.test(read(`/proc/${pid}/cmdline`).replaceAll("\0", " ")) ?? false) ? 0 : pssOfProcess(pid);
  }
  return kibibytes / 1024;
}

/** KiB. A process that shields itself (pasta does) shows only its whole resident size, which is then taken: never less than its share. */
function pssOfProcess(pid: number): number {
  const field = (text: string, name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
  try {
    return field(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"), "Pss");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EACCES")
      return field(read(`/proc/${pid}/status`), "VmRSS");
    return 0;
  }
}

/** A file of /proc; empty when its process has ended. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
