import { diskUsages } from "../native/disk-usage.ts";

/** What a tree took when it was last looked at, and when that was: nanoseconds since the epoch. */
export interface MeasuredUsage {
  bytes: number;
  inodes: number;
  at: bigint;
}

/** A look at a tree is good for this many times as long as it took, and for five seconds at least (containerd looks every ten): so watching costs a part of the time only. */
const restFactor = 20;
const leastRestMs = 5000;
/** So many trees are looked at in one go of a thread. */
const chunkSize = 32;

interface Known {
  /** The last look that has ended, or the first. */
  usage: MeasuredUsage | Promise<MeasuredUsage>;
  /** performance.now() until which it is not looked at again; Infinity while somebody looks. */
  goodUntil: number;
}

interface Wanted {
  directory: string;
  seen(usage: MeasuredUsage, tookMs: number): void;
  failed(error: unknown): void;
}

/**
 * Disk usage of trees that somebody asks about again and again, as the kubelet does of every container. Nobody but the first waits for a
 * look: later ones get what was seen last, and the next look is made behind their backs, in one thread, so that a node full of containers
 * is looked at by the side.
 */
export class DiskUsageCache {
  readonly #known = new Map<string, Known>();
  /** To be looked at, those first for which somebody waits. */
  readonly #first: Wanted[] = [];
  readonly #again: Wanted[] = [];
  #looking = false;

  /** What the tree took when it was last looked at; a promise of it before the first look has ended. */
  of(directory: string): MeasuredUsage | Promise<MeasuredUsage> {
    const known = this.#known.get(directory);
    if (known === undefined) return this.#lookFirst(directory);
    if (performance.now() > known.goodUntil) this.#lookAgain(directory, known);
    return known.usage;
  }

  /** The tree is gone. */
  forget(directory: string): void {
    this.#known.delete(directory);
  }

  #lookFirst(directory: string): Promise<MeasuredUsage> {
    const { promise, resolve, reject } = Promise.withResolvers<MeasuredUsage>();
    const known: Known = { usage: promise, goodUntil: Infinity };
    this.#known.set(directory, known);
    this.#want(this.#first, {
      directory,
      seen: (usage, tookMs) => {
        note(known, usage, tookMs);
        resolve(usage);
      },
      failed: (error) => {
        this.#drop(directory, known);
        reject(error);
      },
    });
    return promise;
  }

  #lookAgain(directory: string, known: Known): void {
    known.goodUntil = Infinity;
    this.#want(this.#again, {
      directory,
      seen: (usage, tookMs) => note(known, usage, tookMs),
      // The next to ask makes a first look, and hears why it fails.
      failed: () => this.#drop(directory, known),
    });
  }

  #drop(directory: string, known: Known): void {
    if (this.#known.get(directory) === known) this.#known.delete(directory);
  }

  #want(list: Wanted[], wanted: Wanted): void {
    list.push(wanted);
    if (this.#looking) return;
    this.#looking = true;
    // When everybody who asks just now has asked.
    queueMicrotask(() => void this.#look());
  }

  async #look(): Promise<void> {
    for (;;) {
      const list = this.#first.length > 0 ? this.#first : this.#again;
      const chunk = list.splice(0, chunkSize);
      if (chunk.length === 0) break;
      try {
        const usages = await diskUsages(chunk.map(({ directory }) => directory));
        const at = BigInt(Date.now()) * 1_000_000n;
        for (const [index, { bytes, inodes, tookMs }] of usages.entries())
          chunk[index]?.seen({ bytes, inodes, at }, tookMs);
      } catch (error) {
        for (const { failed } of chunk) failed(error);
      }
    }
    this.#looking = false;
  }
}

/** It is good up to half as long again, by chance: trees that were first looked at together are not for ever. */
function note(known: Known, usage: MeasuredUsage, tookMs: number): void {
  const rest = Math.max(tookMs * restFactor, leastRestMs);
  known.usage = usage;
  known.goodUntil = performance.now() + rest * (1 + Math.random() / 2);
}
