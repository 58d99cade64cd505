import { createRequire } from "node:module";
import { LichenError } from "../errors.ts";

/** What an archive says about an entry beside its content. `xattrs` holds names and values in turn, as byte strings. */
export interface Attributes {
  mode: number;
  uid: number;
  gid: number;
  seconds: number;
  nanoseconds: number;
  xattrs?: string[];
}

/** What a finished layer amounts to; the paths (byte strings) are for `settleLayer`. */
export interface LayerSummary {
  /** Content of regular files. */
  bytes: number;
  inodes: number;
  /** Extended attributes that the kernel or the file system did not take. */
  refusedXattrs: number;
  implied: string[];
  whiteouts: string[];
  opaque: string[];
}

export interface LayerSettlement {
  directory: string;
  /** Directories of the layers below, topmost first. */
  lower: string[];
  singleOwner: boolean;
  implied: string[];
  whiteouts: string[];
  opaque: string[];
}

type Handle = object;
type Times = [
  mode: number,
  uid: number,
  gid: number,
  seconds: number,
  nanoseconds: number,
  xattrs?: string[],
];

interface LayerAddon {
  open(directory: string, singleOwner: boolean): Handle;
  close(handle: Handle): void;
  directory(handle: Handle, path: string, ...attributes: Times): void;
  beginFile(handle: Handle, path: string, ...attributes: Times): void;
  append(handle: Handle, bytes: Uint8Array): void;
  endFile(handle: Handle): void;
  symlink(handle: Handle, path: string, target: string, ...attributes: Times): void;
  fifo(handle: Handle, path: string, ...attributes: Times): void;
  hardLink(handle: Handle, path: string, target: string): void;
  whiteout(handle: Handle, path: string): void;
  opaque(handle: Handle, path: string): void;
  finish(handle: Handle): LayerSummary;
  settle(settlement: LayerSettlement): void;
  syncFilesystem(path: string): void;
}

const native = (
  createRequire(import.meta.url)(process.env.LICHEN_ADDON ?? "../../build/Release/lichen.node") as {
    layer: LayerAddon;
  }
).layer;

/**
 * Writes the entries of one image layer beneath a directory; no path leaves it or crosses a symbolic link. Paths are
 * byte strings (one character a byte) in plain form: relative, without "." and "..", "" for the root. Every method
 * blocks and throws a LichenError; close() (or `using`) gives the descriptors back in any case.
 */
export class LayerWriter {
  readonly #handle: Handle;

  /** `singleOwner`: nothing is given to another owner than the caller. */
  constructor(directory: string, singleOwner: boolean) {
    this.#handle = translated(() => native.open(directory, singleOwner));
  }

  /** Over an existing directory it only changes the attributes. */
  directory(path: string, a: Attributes): void {
    translated(() =>
      native.directory(this.#handle, path, a.mode, a.uid, a.gid, a.seconds, a.nanoseconds, a.xattrs),
    );
  }

  /** Begins a regular file; `append` and `endFile` belong to it until the next one. */
  beginFile(path: string, a: Attributes): void {
    translated(() =>
      native.beginFile(this.#handle, path, a.mode, a.uid, a.gid, a.seconds, a.nanoseconds, a.xattrs),
    );
  }

  append(bytes: Uint8Array): void {
    translated(() => native.append(this.#handle, bytes));
  }

  endFile(): void {
    translated(() => native.endFile(this.#handle));
  }

  symlink(path: string, target: string, a: Attributes): void {
    translated(() =>
      native.symlink(this.#handle, path, target, a.mode, a.uid, a.gid, a.seconds, a.nanoseconds, a.xattrs),
    );
  }

  fifo(path: string, a: Attributes): void {
    translated(() =>
      native.fifo(this.#handle, path, a.mode, a.uid, a.gid, a.seconds, a.nanoseconds, a.xattrs),
    );
  }

  /** The target may come later in the archive. */
  hardLink(path: string, target: string): void {
    translated(() => native.hardLink(this.#handle, path, target));
  }

  /** Notes what the layer hides; settleLayer makes it so. */
  whiteout(path: string): void {
    translated(() => native.whiteout(this.#handle, path));
  }

  /** Notes a directory whose lower content the layer hides; settleLayer makes it so. */
  opaque(path: string): void {
    translated(() => native.opaque(this.#handle, path));
  }

  /** Makes the hard links that are left and gives directories their attributes. */
  finish(): LayerSummary {
    return translated(() => native.finish(this.#handle));
  }

  close(): void {
    native.close(this.#handle);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Does what of a layer depends on the layers below it: attributes of implied directories, whiteouts. Blocks. */
export function settleLayer(settlement: LayerSettlement): void {
  translated(() => native.settle(settlement));
}

/** syncfs(2): everything written to the file system that holds `path` is on the disk afterwards. Blocks. */
export function syncFilesystem(path: string): void {
  translated(() => native.syncFilesystem(path));
}

const hints: Readonly<Record<string, string>> = {
  ID_OUTSIDE_MAP:
    "give the user of this node a larger range in /etc/subuid and /etc/subgid (usermod --add-subuids, --add-subgids)",
  PATH_THROUGH_SYMLINK: "the image is broken or hostile; nothing of it was kept",
  PATH_THROUGH_FILE: "the image is broken or hostile; nothing of it was kept",
  HARD_LINK_WITHOUT_TARGET: "the image was built wrongly; build its layer again",
  SYMLINK_BELOW:
    "the image was built wrongly; its layer must name the directory that the symbolic link leads to",
  ENOSPC: "free some space on the file system of the data directory",
  EDQUOT: "free some space, or raise the quota of this user",
};

const codes: Readonly<Record<string, LichenError["code"]>> = {
  ID_OUTSIDE_MAP: "FAILED_PRECONDITION",
  PATH_THROUGH_SYMLINK: "INVALID_ARGUMENT",
  PATH_THROUGH_FILE: "INVALID_ARGUMENT",
  HARD_LINK_WITHOUT_TARGET: "INVALID_ARGUMENT",
  SYMLINK_BELOW: "INVALID_ARGUMENT",
  ENAMETOOLONG: "INVALID_ARGUMENT",
  ENOSPC: "RESOURCE_EXHAUSTED",
  EDQUOT: "RESOURCE_EXHAUSTED",
};

interface NativeError extends Error {
  code: string;
  operation: string;
  object: string;
  reason: string;
}

/** Runs a call of the addon; its errors become LichenErrors with a hint where a person can act. */
function translated<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    const { code, operation, object, reason } = error as NativeError;
    if (operation === undefined) throw error;
    const hint = hints[code];
    throw new LichenError({
      code: codes[code] ?? "INTERNAL",
      operation,
      object,
      reason: `${reason} (${code})`,
      ...(hint === undefined ? {} : { hint }),
      cause: error,
    });
  }
}
