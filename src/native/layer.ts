import { rm } from "node:fs/promises";
import { LichenError } from "../errors.ts";
import { native, nativeAsync, type RawAddon, type RawLayerSummary, type RawSettlement } from "./addon.ts";
import { nativeCode } from "./failure.ts";
import { type Attributes, LayerBatch } from "./layer-batch.ts";

export type { Attributes } from "./layer-batch.ts";

/** What a finished layer amounts to; its paths (byte strings) are for `settleLayer`. */
export type LayerSummary = RawLayerSummary;

/** A written layer, the directories of the layers below it (topmost first), and what its summary left to be done. */
export type LayerSettlement = RawSettlement;

/**
 * Writes the entries of one image layer beneath a directory; no path leaves it or crosses a symbolic link. Paths are
 * byte strings (one character a byte) in plain form: relative, without "." and "..", "" for the root.
 *
 * Entries are collected and written by `flush` on another thread, one batch while the next is collected. What goes wrong there is
 * thrown, as a LichenError, by the next `flush` or by `finish`. close() (or `await using`) waits for what is under way and gives
 * the descriptors back in any case.
 */
export class LayerWriter {
  readonly #handle: unknown;
  #collecting = new LayerBatch();
  #writing = new LayerBatch();
  #underWay: Promise<void> = Promise.resolve();

  /** `singleOwner`: nothing is given to another owner than the caller. */
  constructor(directory: string, singleOwner: boolean) {
    this.#handle = layerCall((raw) => raw.layer.open(directory, singleOwner));
  }

  /** Over an existing directory it only changes the attributes. */
  directory(path: string, attributes: Attributes): void {
    this.#collecting.entry("directory", path, attributes);
  }

  /** Begins a regular file; `append`, `hole` and `endFile` belong to it until the next one. */
  beginFile(path: string, attributes: Attributes): void {
    this.#collecting.entry("file", path, attributes);
  }

  /** The bytes must not change before the `flush` after the next one has begun. */
  append(bytes: Uint8Array): void {
    this.#collecting.content(bytes);
  }

  /** Zeros that take no space. */
  hole(bytes: number): void {
    this.#collecting.hole(bytes);
  }

  endFile(): void {
    this.#collecting.endFile();
  }

  symlink(path: string, target: string, attributes: Attributes): void {
    this.#collecting.symlink(path, target, attributes);
  }

  fifo(path: string, attributes: Attributes): void {
    this.#collecting.entry("fifo", path, attributes);
  }

  /** The target may come later in the archive. */
  hardLink(path: string, target: string): void {
    this.#collecting.hardLink(path, target);
  }

  /** Notes what the layer hides; settleLayer makes it so. */
  whiteout(path: string): void {
    this.#collecting.note("whiteout", path);
  }

  /** Notes a directory whose lower content the layer hides; settleLayer makes it so. */
  opaque(path: string): void {
    this.#collecting.note("opaque", path);
  }

  /** Waits for the batch under way, then begins to write what has been collected since. */
  async flush(): Promise<void> {
    await this.#underWay;
    if (this.#collecting.empty) return;
    const batch = this.#collecting;
    this.#collecting = this.#writing;
    this.#writing = batch;
    this.#collecting.clear();
    this.#underWay = layerCallAsync((raw) => raw.layer.write(this.#handle, batch.records, batch.memories));
    // Whoever waits for it next hears of a failure.
    this.#underWay.catch(() => {});
  }

  /** Writes what is left, makes the hard links that wait for their targets, and gives directories their attributes. */
  async finish(): Promise<LayerSummary> {
    await this.flush();
    await this.#underWay;
    return layerCallAsync((raw) => raw.layer.finish(this.#handle));
  }

  async close(): Promise<void> {
    await this.#underWay.catch(() => {});
    layerCall((raw) => raw.layer.close(this.#handle));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Does what of a layer depends on the layers below it: attributes of implied directories, whiteouts. Blocks. */
export function settleLayer(settlement: LayerSettlement): void {
  layerCall((raw) => raw.layer.settle(settlement));
}

/** syncfs(2): everything written to the file system that holds `path` is on the disk afterwards. Blocks. */
export function syncFilesystem(path: string): void {
  layerCall((raw) => raw.layer.syncFilesystem(path));
}

/** Removes a directory with everything in it, never following a symbolic link; nothing there is success. Blocks. */
export function removeTree(path: string): void {
  layerCall((raw) => raw.layer.removeTree(path));
}

/** The same without blocking, but for the rest of a tree that is deeper than a path can be long, of which Node removes nothing. */
export async function removeDirectory(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENAMETOOLONG") throw error;
    removeTree(path);
  }
}

/** Names and values in turn of the extended attributes at a path, sorted by name, all byte strings. Links are not followed. */
export function layerXattrs(path: string): string[] {
  return layerCall((raw) => raw.layer.xattrs(path));
}

const hostile = "the image is broken or hostile; nothing of it was kept";
const hints: Readonly<Record<string, string>> = {
  ID_OUTSIDE_MAP:
    "give the user of this node a larger range in /etc/subuid and /etc/subgid (usermod --add-subuids, --add-subgids)",
  PATH_THROUGH_SYMLINK: hostile,
  PATH_THROUGH_FILE: hostile,
  TOO_MANY_NAMES: hostile,
  HARD_LINK_WITHOUT_TARGET: "the image was built wrongly; build its layer again",
  SYMLINK_BELOW:
    "the image was built wrongly: its layer must name the directory that the symbolic link leads to",
  ENOSPC: "free some space on the file system of the data directory",
  EDQUOT: "free some space, or raise the quota of this user",
};

/** Calls the addon; its errors become LichenErrors with a hint where a person can act. */
function layerCall<T>(call: (raw: RawAddon) => T): T {
  try {
    return native(call);
  } catch (error) {
    throw hinted(error);
  }
}

async function layerCallAsync<T>(call: (raw: RawAddon) => Promise<T>): Promise<T> {
  try {
    return await nativeAsync(call);
  } catch (error) {
    throw hinted(error);
  }
}

function hinted(error: unknown): unknown {
  const hint = hints[nativeCode(error) ?? ""];
  if (hint === undefined || !(error instanceof LichenError)) return error;
  const { code, operation, object, reason, cause } = error;
  return new LichenError({ code, operation, object, reason, hint, cause });
}
