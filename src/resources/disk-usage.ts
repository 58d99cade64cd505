import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";

export interface DiskUsage {
  bytes: number;
  inodes: number;
}

const blockSize = 512;

/** The disk space and inodes that a directory tree takes, hard links counted once. What vanishes meanwhile is not counted. */
export async function diskUsage(directory: string): Promise<DiskUsage> {
  const usage = { bytes: 0, inodes: 0 };
  const linked = new Set<number>();
  const pending = [directory];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    try {
      const stats = await lstat(path);
      if (stats.nlink > 1 && !stats.isDirectory()) {
        if (linked.has(stats.ino)) continue;
        linked.add(stats.ino);
      }
      usage.bytes += stats.blocks * blockSize;
      usage.inodes++;
      if (!stats.isDirectory()) continue;
      for await (const entry of await opendir(path)) pending.push(join(path, entry.name));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== "ENOENT" && code !== "EACCES") throw error;
    }
  }
  return usage;
}
