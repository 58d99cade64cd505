import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

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
