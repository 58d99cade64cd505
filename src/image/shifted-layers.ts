import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import type { IdExtent, IdMap } from "../native/id-map.ts";
import { entries } from "../quiet-files.ts";
import { hexOf } from "./digest.ts";
import { SharedWork } from "./shared-work.ts";
import type { ImageLog } from "./types.ts";
import type { WorkerPool } from "./worker-pool.ts";

export interface ShiftedLayersOptions {
  /** `<data dir>/shifted` */
  directory: string;
  pool: WorkerPool;
  log: ImageLog | undefined;
}

/** So many maps that no container uses keep their copies: a kubelet gives the ids of a pod that is gone to a next one. */
const idleMaps = 2;

/**
 * Copies of layers for pods with a user namespace of their own, each file with the owner that it has there: `<map>/<hex of the
 * chain id>`, complete as soon as it has that name. Made when first needed, and once for each layer and map; where the file
 * system shares extents they take no space but for their inodes. `<map>/users/<container id>` says who needs a map, over restarts.
 */
export class ShiftedLayers {
  readonly #options: ShiftedLayersOptions;
  /** By name of the map, least recently used first. */
  readonly #maps = new Map<string, { layers: Set<string>; users: Set<string> }>();
  readonly #coming = new SharedWork<void>();

  constructor(options: ShiftedLayersOptions) {
    this.#options = options;
  }

  /** Takes stock: removes what an interrupted copy left, and copies of layers that are gone. */
  async open(isKnown: (hex: string) => boolean): Promise<void> {
    await mkdir(this.#options.directory, { recursive: true, mode: 0o700 });
    const stray: string[] = [];
    for (const name of readdirSync(this.#options.directory)) {
      const path = join(this.#options.directory, name);
      if (name.startsWith("removing-")) stray.push(path);
      else stray.push(...this.#takeStock(name, path, isKnown));
    }
    await Promise.all(stray.map((path) => this.#delete(path)));
  }

  #takeStock(name: string, path: string, isKnown: (hex: string) => boolean): string[] {
    // Whoever was killed between making the two directories has left one.
    const users = new Set(entries(join(path, "users")));
    const present = readdirSync(path).filter((entry) => entry !== "users");
    const layers = new Set(present.filter(isKnown));
    this.#maps.set(name, { layers, users });
    return present.filter((entry) => !layers.has(entry)).map((entry) => join(path, entry));
  }

  /**
   * Gives the directories that stand for `layers` (chain id and directory of each) under a map, making those that are missing,
   * side by side. `user` needs them until `release`.
   */
  async provide(
    layers: readonly { chainId: string; directory: string }[],
    map: IdMap,
    user: string,
  ): Promise<string[]> {
    const name = nameOf(map);
    const known = this.#maps.get(name) ?? { layers: new Set<string>(), users: new Set<string>() };
    this.#maps.delete(name);
    this.#maps.set(name, known);
    const place = join(this.#options.directory, name);
    mkdirSync(join(place, "users"), { recursive: true, mode: 0o700 });
    writeFileSync(join(place, "users", user), "");
    known.users.add(user);
    const began = performance.now();
    const missing = layers.filter(({ chainId }) => !known.layers.has(hexOf(chainId)));
    await Promise.all(missing.map((layer) => this.#make(layer, map, place, known.layers)));
    if (missing.length > 0) {
      const milliseconds = Math.round(performance.now() - began);
      this.#options.log?.info(
        { map: name, layers: missing.length, milliseconds },
        "shifted owners of layers",
      );
    }
    return layers.map(({ chainId }) => join(place, hexOf(chainId)));
  }

  /** Ends what `provide` began. Copies that nobody needs are kept for a while. */
  async release(user: string): Promise<void> {
    for (const [name, { users }] of this.#maps) {
      if (users.delete(user)) rmSync(join(this.#options.directory, name, "users", user), { force: true });
    }
    await this.#dropIdle();
  }

  /** Ends the use by everybody but `users`. */
  async releaseOthers(users: readonly string[]): Promise<void> {
    const others = [...this.#maps.values()].flatMap((map) => [...map.users]);
    for (const user of others) if (!users.includes(user)) await this.release(user);
  }

  /** A layer is gone, and its copies with it. */
  async removeLayer(chainId: string): Promise<void> {
    const hex = hexOf(chainId);
    for (const [name, { layers, users }] of [...this.#maps]) {
      if (layers.delete(hex)) await this.#takeAway(join(this.#options.directory, name, hex));
      if (layers.size === 0 && users.size === 0) await this.#drop(name);
    }
  }

  async #make(
    layer: { chainId: string; directory: string },
    map: IdMap,
    place: string,
    ready: Set<string>,
  ): Promise<void> {
    const hex = hexOf(layer.chainId);
    const path = join(place, hex);
    await this.#coming.join(path, new AbortController().signal, async () => {
      if (ready.has(hex)) return;
      const partial = join(place, `partial-${randomName()}`);
      try {
        await mkdir(partial, { mode: 0o700 });
        await this.#options.pool.run({ kind: "shift", source: layer.directory, destination: partial, map });
        await rename(partial, path);
        ready.add(hex);
      } catch (error) {
        await this.#delete(partial).catch(() => {});
        throw error;
      }
    });
  }

  async #dropIdle(): Promise<void> {
    const idle = [...this.#maps].filter(([, { users }]) => users.size === 0);
    for (const [name] of idle.slice(0, -idleMaps)) await this.#drop(name);
  }

  async #drop(name: string): Promise<void> {
    this.#maps.delete(name);
    await this.#takeAway(join(this.#options.directory, name));
  }

  /** Gone for others at once, however long it takes. */
  async #takeAway(path: string): Promise<void> {
    const leaving = join(this.#options.directory, `removing-${randomName()}`);
    renameSync(path, leaving);
    await this.#delete(leaving);
  }

  async #delete(path: string): Promise<void> {
    await this.#options.pool.run({ kind: "remove", path });
  }
}

function nameOf(map: IdMap): string {
  const text = (extents: readonly IdExtent[]) => extents.map((extent) => extent.join("-")).join("_");
  return `${text(map.uids)}.${text(map.gids)}`;
}

function randomName(): string {
  return randomBytes(8).toString("hex");
}
