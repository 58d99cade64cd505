import { randomBytes } from "node:crypto";
import { renameSync } from "node:fs";
import { readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import type { StoredLayer } from "../store/images.ts";
import { Arrivals } from "./arrivals.ts";
import { hexOf } from "./digest.ts";
import type { DevicePolicy } from "./layer/entry.ts";
import type { LayerLimits } from "./layer/limits.ts";
import type { LayerContent, UnpackedLayer } from "./layer/unpack.ts";
import type { RegistryLimits } from "./registry/limits.ts";
import { SharedWork } from "./shared-work.ts";
import type { LayerSource } from "./source.ts";
import type { ImageLog } from "./types.ts";
import type { WorkerPool } from "./worker-pool.ts";

export interface WantedLayer {
  content: LayerContent;
  chainId: string;
  /** Chain ids of the layers below, topmost first. */
  below: string[];
}

export interface LayerStoreOptions {
  /** `<data dir>/layers` */
  directory: string;
  singleOwner: boolean;
  devices: DevicePolicy;
  layerLimits: LayerLimits;
  pool: WorkerPool;
  /** How much may be fetched at the same time. */
  limits: RegistryLimits;
  log: ImageLog | undefined;
  /** Whether an image that is stored needs the layer. */
  isStored: (chainId: string) => boolean;
  /** Told of a layer that is complete. */
  onCompleted: (layer: StoredLayer) => void;
  /** Told of a layer that has been removed. */
  onRemoved: (chainId: string) => Promise<void>;
}

/**
 * Unpacked layers: a directory each, called by the hex digits of its chain id, complete as soon as it has that name.
 * Layers on their way are in directories called `partial-…`, layers on their way out `removing-…`; neither outlives a
 * start. A layer that several pulls want at the same time is fetched once.
 */
export class LayerStore {
  readonly #options: LayerStoreOptions;
  readonly #ready = new Map<string, StoredLayer>();
  readonly #coming = new SharedWork<StoredLayer>();
  readonly #arrivals = new Arrivals();
  /** How many pulls need a layer that perhaps no image has yet. */
  readonly #held = new Map<string, number>();

  constructor(options: LayerStoreOptions) {
    this.#options = options;
  }

  /**
   * Takes stock: removes what is no known layer, and returns the known layers whose directories are gone. `completed` layers are
   * kept where they are there; they are noted anew, and somebody should hold them.
   */
  async open(known: readonly StoredLayer[], completed: readonly StoredLayer[] = []): Promise<string[]> {
    const present = new Set(await readdir(this.#options.directory));
    const missing: string[] = [];
    for (const layer of completed) {
      if (!present.delete(hexOf(layer.chainId))) continue;
      this.#ready.set(layer.chainId, layer);
      this.#options.onCompleted(layer);
    }
    for (const layer of known) {
      if (present.delete(hexOf(layer.chainId))) this.#ready.set(layer.chainId, layer);
      else missing.push(layer.chainId);
    }
    await Promise.all([...present].map((name) => this.#delete(join(this.#options.directory, name))));
    return missing;
  }

  path(chainId: string): string {
    return join(this.#options.directory, hexOf(chainId));
  }

  /**
   * Brings a layer in, unless it is here. The layers below must have been asked for before, in the same turn of the
   * event loop. Whoever calls holds the layer.
   */
  async provide(
    wanted: WantedLayer,
    source: LayerSource,
    signal: AbortSignal,
    onReceived: (bytes: number) => void,
  ): Promise<StoredLayer> {
    const { chainId } = wanted;
    const ready = this.#ready.get(chainId);
    if (ready !== undefined) return ready;
    const silence = this.#arrivals.listen(chainId, onReceived);
    try {
      return await this.#coming.join(chainId, signal, (shared) => this.#bring(wanted, source, shared));
    } finally {
      silence();
    }
  }

  /** Whether a layer is here already. */
  has(chainId: string): boolean {
    return this.#ready.has(chainId);
  }

  /** Keeps layers from being removed until released, whether or not an image has them. */
  hold(chainIds: readonly string[]): void {
    for (const chainId of chainIds) this.#held.set(chainId, (this.#held.get(chainId) ?? 0) + 1);
  }

  /** Ends a hold and removes the layers that nobody needs. */
  async release(chainIds: readonly string[]): Promise<void> {
    for (const chainId of chainIds) {
      const left = (this.#held.get(chainId) ?? 1) - 1;
      if (left > 0) this.#held.set(chainId, left);
      else this.#held.delete(chainId);
    }
    await this.discard(chainIds);
  }

  /** Removes those layers that neither a stored image nor a pull needs. They are gone for others at once. */
  async discard(chainIds: readonly string[]): Promise<void> {
    const leaving: string[] = [];
    const gone: string[] = [];
    for (const chainId of chainIds) {
      if (this.#held.has(chainId) || this.#options.isStored(chainId) || !this.#ready.delete(chainId))
        continue;
      const path = join(this.#options.directory, `removing-${randomName()}`);
      renameSync(this.path(chainId), path);
      leaving.push(path);
      gone.push(chainId);
    }
    await Promise.all([...leaving.map((path) => this.#delete(path)), ...gone.map(this.#options.onRemoved)]);
  }

  async #bring(wanted: WantedLayer, source: LayerSource, signal: AbortSignal): Promise<StoredLayer> {
    const { pool, singleOwner, devices, layerLimits, log, limits } = this.#options;
    const directory = join(this.#options.directory, `partial-${randomName()}`);
    const below = this.#coming.get(wanted.below[0] ?? "");
    const { content, chainId } = wanted;
    try {
      const kind = "unpack";
      const task = { kind, source, content, directory, singleOwner, devices, limits: layerLimits } as const;
      const run = () => pool.run(task, signal, (bytes) => this.#arrivals.note(chainId, bytes));
      const unpacked = await ("file" in source ? run() : limits.run(source.registry.endpoints, signal, run));
      await below;
      await this.#settle(directory, wanted, unpacked, signal);
      await rename(directory, this.path(chainId));
      const { skipped } = unpacked;
      const left = { devices: skipped.devices, xattrs: skipped.xattrs + unpacked.refusedXattrs };
      if (left.devices + left.xattrs > 0)
        log?.warn({ layer: content.digest, ...left }, "left out what an unprivileged node cannot have");
      const stored = { chainId, bytes: unpacked.bytes, inodes: unpacked.inodes };
      this.#ready.set(chainId, stored);
      this.#options.onCompleted(stored);
      return stored;
    } catch (error) {
      // A pool that is closed removes nothing any more; the next start does.
      await this.#delete(directory).catch(() => {});
      throw error;
    } finally {
      this.#arrivals.end(chainId);
    }
  }

  async #settle(
    directory: string,
    wanted: WantedLayer,
    layer: UnpackedLayer,
    signal: AbortSignal,
  ): Promise<void> {
    const { implied, whiteouts, opaque } = layer;
    const nothing = implied.length + whiteouts.length + opaque.length === 0;
    if (nothing || wanted.below.length === 0) return;
    const lower = wanted.below.map((chainId) => this.path(chainId));
    const { pool, singleOwner } = this.#options;
    const settlement = { directory, lower, singleOwner, implied, whiteouts, opaque };
    await pool.run({ kind: "settle", settlement }, signal);
  }

  async #delete(path: string): Promise<void> {
    await this.#options.pool.run({ kind: "remove", path });
  }
}

function randomName(): string {
  return randomBytes(8).toString("hex");
}
