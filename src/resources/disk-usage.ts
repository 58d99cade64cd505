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

/** A look at a tree is good for this many times as long as it took, and for a second at least: so watching costs a part of the time only. */
const restFactor = 20;
const leastRestMs = 1000;

/** Disk usage of trees that somebody asks about again and again, as the kubelet does of every container. */
export class DiskUsageCache {
  readonly #known = new Map<string, { usage: Promise<DiskUsage>; goodUntil: number }>();

  /** What the tree took lately. */
  of(directory: string): Promise<DiskUsage> {
    const known = this.#known.get(directory);
    const began = performance.now();
    if (known !== undefined && began < known.goodUntil) return known.usage;
    const entry = { usage: diskUsage(directory), goodUntil: Number.POSITIVE_INFINITY };
    this.#known.set(directory, entry);
    const looked = () => {
      const ended = performance.now();
      entry.goodUntil = ended + Math.max((ended - began) * restFactor, leastRestMs);
    };
    entry.usage.then(looked, () => this.#known.delete(directory));
    return entry.usage;
  }

  /** The tree is gone. */
  forget(directory: string): void {
    this.#known.delete(directory);
  }
}
