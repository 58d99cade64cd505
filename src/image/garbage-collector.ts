import { statfs } from "node:fs/promises";
import type { ImageStore, StoredImage } from "../store/images.ts";
import type { LayerStore } from "./layer-store.ts";
import type { ImageLog, Pruned, PruneOptions } from "./types.ts";

/** How full, in percent, the file system of the images may become, and to what it is then brought back. */
export interface DiskMarks {
  highPercent: number;
  lowPercent: number;
}

export interface GarbageCollectorOptions {
  store: ImageStore;
  layers: LayerStore;
  /** The directory of the layers. */
  directory: string;
  /** Without marks images are removed on demand only. */
  marks: DiskMarks | undefined;
  isPinned: (image: StoredImage) => boolean;
  log: ImageLog | undefined;
}

const everyMs = 5 * 60_000;

/**
 * Removes images that no container uses and nobody has pinned, those first whose last use is longest ago: on demand, and while
 * the disk is fuller than its high mark. Looks at the disk now and then and when asked; close() ends that.
 */
export class GarbageCollector {
  readonly #options: GarbageCollectorOptions;
  readonly #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(options: GarbageCollectorOptions) {
    this.#options = options;
    if (options.marks !== undefined) this.#timer = setInterval(() => void this.look(), everyMs).unref();
  }

  /** Removes unused images: those without a tag, or all of them. What somebody begins to use meanwhile stays. */
  async prune({ all = false, dryRun = false }: PruneOptions): Promise<Pruned> {
    const pruned: Pruned = { images: [], bytes: 0 };
    for (const image of this.#candidates()) {
      if (!all && image.names.some((name) => !name.includes("@"))) continue;
      pruned.images.push({ id: image.id, names: image.names });
      if (!dryRun) pruned.bytes += await this.#remove(image);
    }
    if (dryRun) pruned.bytes = this.#exclusiveBytes(pruned.images.map(({ id }) => id));
    return pruned;
  }

  /** Frees space when the disk is fuller than the high mark. One look at a time; never rejects. */
  look(): Promise<void> {
    if (this.#options.marks === undefined) return Promise.resolve();
    this.#looking ??= this.#free(this.#options.marks)
      .catch((error: unknown) => this.#options.log?.warn({ error: String(error) }, "could not free space"))
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  /** Waits for a look under way. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #free({ highPercent, lowPercent }: DiskMarks): Promise<void> {
    const { directory } = this.#options;
    const before = await usedPercent(directory);
    if (before < highPercent) return;
    let used = before;
    let bytes = 0;
    let images = 0;
    // Asked anew after each removal: a container may have begun to use the next one meanwhile.
    for (let next = this.#candidates()[0]; used > lowPercent && next; next = this.#candidates()[0]) {
      bytes += await this.#remove(next);
      images++;
      used = await usedPercent(directory);
    }
    const fields = { images, bytes, usedPercent: { before: round(before), after: round(used) } };
    if (used <= lowPercent) this.#options.log?.info(fields, "the disk was full: removed unused images");
    else
      this.#options.log?.warn(
        { ...fields, lowPercent },
        "the disk is full, and no unused image is left to remove",
      );
  }

  /** Images that may go, in the order in which they should. */
  #candidates(): StoredImage[] {
    return this.#options.store.unused().filter((image) => !this.#options.isPinned(image));
  }

  /** Forgets an image and removes the layers that only it had; the bytes that those held. */
  async #remove(image: StoredImage): Promise<number> {
    const { store, layers } = this.#options;
    const gone = new Set(store.remove(image.id));
    await layers.discard([...gone]);
    return sum(image.layers.filter(({ chainId }) => gone.has(chainId)));
  }

  /** What removing all of these images would free. */
  #exclusiveBytes(ids: readonly string[]): number {
    const { store } = this.#options;
    const kept = new Set(store.layersOfOthers(ids));
    return sum(store.layers().filter(({ chainId }) => !kept.has(chainId)));
  }
}

/** How much of the file system a plain user finds in use. */
async function usedPercent(directory: string): Promise<number> {
  const { blocks, bavail } = await statfs(directory);
  return blocks === 0 ? 0 : 100 * (1 - bavail / blocks);
}

function sum(layers: readonly { bytes: number }[]): number {
  return layers.reduce((total, { bytes }) => total + bytes, 0);
}

function round(percent: number): number {
  return Math.round(percent * 10) / 10;
}
