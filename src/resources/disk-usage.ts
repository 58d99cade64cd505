import { type Dirent, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";

export interface DiskUsage {
  bytes: number;
  inodes: number;
}

/** What a tree took when it was last looked at, and when that was: nanoseconds since the epoch. */
export interface MeasuredUsage extends DiskUsage {
  at: bigint;
}

const blockSize = 512;
/** A look works this long at a stretch before others get their turn. */
const sliceMs = 2;

/**
 * The disk space and inodes that a directory tree takes, hard links counted once. What vanishes meanwhile is not counted. Looks at a part
 * of the tree at a time: a tree of any size holds nobody up.
 */
export async function diskUsage(directory: string): Promise<DiskUsage> {
  const usage = { bytes: 0, inodes: 0 };
  const linked = new Set<number>();
  const pending = [directory];
  let began = performance.now();
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const stats = quietly(() => lstatSync(path));
    if (stats === undefined) continue;
    if (stats.nlink > 1 && !stats.isDirectory()) {
      if (linked.has(stats.ino)) continue;
      linked.add(stats.ino);
    }
    usage.bytes += stats.blocks * blockSize;
    usage.inodes++;
    if (stats.isDirectory()) for (const { name } of entries(path)) pending.push(join(path, name));
    if (performance.now() - began < sliceMs) continue;
    await breathe();
    began = performance.now();
  }
  return usage;
}

function entries(path: string): Dirent[] {
  return quietly(() => readdirSync(path, { withFileTypes: true })) ?? [];
}

function quietly<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "EACCES" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

/** A look at a tree is good for this many times as long as it took, and for a second at least: so watching costs a part of the time only. */
const restFactor = 20;
const leastRestMs = 1000;

interface Known {
  /** The first look, or the last that has ended. */
  usage: Promise<MeasuredUsage>;
  goodUntil: number;
}

/**
 * Disk usage of trees that somebody asks about again and again, as the kubelet does of every container. Nobody but the first waits for a
 * look: later ones get what was seen last, and the next look is made behind their backs, one tree at a time.
 */
export class DiskUsageCache {
  readonly #known = new Map<string, Known>();
  #looking: Promise<void> = Promise.resolve();

  /** What the tree took when it was last looked at. */
  of(directory: string): Promise<MeasuredUsage> {
    const known = this.#known.get(directory);
    if (known === undefined) return this.#first(directory);
    if (performance.now() > known.goodUntil) this.#refresh(directory, known);
    return known.usage;
  }

  /** The tree is gone. */
  forget(directory: string): void {
    this.#known.delete(directory);
  }

  #first(directory: string): Promise<MeasuredUsage> {
    const entry: Known = { usage: look(directory, (rest) => settle(rest)), goodUntil: Infinity };
    const settle = (rest: number) => {
      entry.goodUntil = performance.now() + rest;
    };
    this.#known.set(directory, entry);
    entry.usage.catch(() => this.#known.delete(directory));
    return entry.usage;
  }

  #refresh(directory: string, known: Known): void {
    known.goodUntil = Infinity;
    this.#looking = this.#looking.then(async () => {
      if (this.#known.get(directory) !== known) return;
      try {
        let rest = leastRestMs;
        const seen = await look(directory, (milliseconds) => {
          rest = milliseconds;
        });
        known.usage = Promise.resolve(seen);
        known.goodUntil = performance.now() + rest;
      } catch {
        // The next to ask makes a first look, and hears why it fails.
        this.#known.delete(directory);
      }
    });
  }
}

/** Looks, and says how long the look is good for. */
async function look(directory: string, looked: (restMs: number) => void): Promise<MeasuredUsage> {
  const began = performance.now();
  const usage = await diskUsage(directory);
  looked(Math.max((performance.now() - began) * restFactor, leastRestMs));
  return { ...usage, at: BigInt(Date.now()) * 1_000_000n };
}
