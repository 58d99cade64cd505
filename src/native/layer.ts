import { LichenError } from "../errors.ts";
import {
  native,
  type RawAttributes,
  type RawLayer,
  type RawLayerSummary,
  type RawSettlement,
} from "./addon.ts";
import { nativeCode } from "./failure.ts";

/** What an archive says about an entry beside its content. `xattrs` holds names and values in turn, as byte strings. */
export interface Attributes {
  mode: number;
  uid: number;
  gid: number;
  seconds: number;
  nanoseconds: number;
  xattrs?: string[];
}

/** What a finished layer amounts to; its paths (byte strings) are for `settleLayer`. */
export type LayerSummary = RawLayerSummary;

/** A written layer, the directories of the layers below it (topmost first), and what its summary left to be done. */
export type LayerSettlement = RawSettlement;

/**
 * Writes the entries of one image layer beneath a directory; no path leaves it or crosses a symbolic link. Paths are
 * byte strings (one character a byte) in plain form: relative, without "." and "..", "" for the root. Every method
 * blocks and throws a LichenError; close() (or `using`) gives the descriptors back in any case.
 */
export class LayerWriter {
  readonly #handle: unknown;

  /** `singleOwner`: nothing is given to another owner than the caller. */
  constructor(directory: string, singleOwner: boolean) {
    this.#handle = layerCall((raw) => raw.open(directory, singleOwner));
  }

  /** Over an existing directory it only changes the attributes. */
  directory(path: string, a: Attributes): void {
    layerCall((raw) => raw.directory(this.#handle, path, ...flat(a)));
  }

  /** Begins a regular file; `append` and `endFile` belong to it until the next one. */
  beginFile(path: string, a: Attributes): void {
    layerCall((raw) => raw.beginFile(this.#handle, path, ...flat(a)));
  }

  append(bytes: Uint8Array): void {
    layerCall((raw) => raw.append(this.#handle, bytes));
  }

  endFile(): void {
    layerCall((raw) => raw.endFile(this.#handle));
  }

  symlink(path: string, target: string, a: Attributes): void {
    layerCall((raw) => raw.symlink(this.#handle, path, target, ...flat(a)));
  }

  fifo(path: string, a: Attributes): void {
    layerCall((raw) => raw.fifo(this.#handle, path, ...flat(a)));
  }

  /** The target may come later in the archive. */
  hardLink(path: string, target: string): void {
    layerCall((raw) => raw.hardLink(this.#handle, path, target));
  }

  /** Notes what the layer hides; settleLayer makes it so. */
  whiteout(path: string): void {
    layerCall((raw) => raw.whiteout(this.#handle, path));
  }

  /** Notes a directory whose lower content the layer hides; settleLayer makes it so. */
  opaque(path: string): void {
    layerCall((raw) => raw.opaque(this.#handle, path));
  }

  /** Makes the hard links that are left and gives directories their attributes. */
  finish(): LayerSummary {
    return layerCall((raw) => raw.finish(this.#handle));
  }

  close(): void {
    layerCall((raw) => raw.close(this.#handle));
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Does what of a layer depends on the layers below it: attributes of implied directories, whiteouts. Blocks. */
export function settleLayer(settlement: LayerSettlement): void {
  layerCall((raw) => raw.settle(settlement));
}

/** syncfs(2): everything written to the file system that holds `path` is on the disk afterwards. Blocks. */
export function syncFilesystem(path: string): void {
  layerCall((raw) => raw.syncFilesystem(path));
}

function flat(a: Attributes): RawAttributes {
  return [
    a.mode,
    a.uid,
    a.gid,
    a.seconds,
    a.nanoseconds,
    ...(a.xattrs === undefined ? [] : [a.xattrs]),
  ] as RawAttributes;
}

const hostile = "the image is broken or hostile; nothing of it was kept";
const hints: Readonly<Record<string, string>> = {
  ID_OUTSIDE_MAP:
    "give the user of this node a larger range in /etc/subuid and /etc/subgid (usermod --add-subuids, --add-subgids)",
  PATH_THROUGH_SYMLINK: hostile,
  PATH_THROUGH_FILE: hostile,
  HARD_LINK_WITHOUT_TARGET: "the image was built wrongly; build its layer again",
  SYMLINK_BELOW:
    "the image was built wrongly: its layer must name the directory that the symbolic link leads to",
  ENOSPC: "free some space on the file system of the data directory",
  EDQUOT: "free some space, or raise the quota of this user",
};

/** Calls the addon; its errors become LichenErrors with a hint where a person can act. */
function layerCall<T>(call: (raw: RawLayer) => T): T {
  try {
    return native((raw) => call(raw.layer));
  } catch (error) {
    const hint = hints[nativeCode(error) ?? ""];
    if (hint === undefined || !(error instanceof LichenError)) throw error;
    throw new LichenError({ ...pick(error), hint });
  }
}

function pick({ code, operation, object, reason, cause }: LichenError) {
  return { code, operation, object, reason, cause };
}
