import { mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { waitFor } from "./wait.ts";

/** Where cgroup2 is mounted: /sys/fs/cgroup, or beside the version 1 hierarchies of a hybrid machine. */
export function cgroupMount(): string {
  const line = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .find((mount) => mount.split(" ")[2] === "cgroup2");
  if (line === undefined) throw new Error("no cgroup2 is mounted: the benchmark counts memory by cgroup");
  return line.split(" ")[1]!;
}

/** A cgroup directory beside the one this process is in, which the user may fill: the delegated subtree's own child. */
export function makeSibling(name: string): string {
  const own = /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1] ?? "/";
  const directory = join(cgroupMount(), dirname(own), name);
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** Removes it again, with what was made below it; processes that have just ended may hold it a moment longer. */
export function removeSibling(directory: string): Promise<void> {
  return waitFor(async () => removed(directory), 10_000, `the end of the cgroup ${directory}`);
}

function removed(directory: string): boolean {
  try {
    const below = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    if (!below.every(({ name }) => removed(join(directory, name)))) return false;
    rmdirSync(directory);
    return true;
  } catch {
    return false;
  }
}
