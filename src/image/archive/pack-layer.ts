import { createHash } from "node:crypto";
import {
  type BigIntStats,
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  writeSync,
} from "node:fs";
import { LichenError } from "../../errors.ts";
import { layerXattrs } from "../../native/layer.ts";
import { isWelcome } from "../layer/entry.ts";
import { type TarEntry, tarEnd, tarHeader, tarPadding } from "./tar-writer.ts";

export interface PackedLayer {
  /** Digest of the archive. */
  diffId: string;
  /** Its length in bytes. */
  size: number;
}

const chunkBytes = 1024 * 1024;
const whiteoutPrefix = ".wh.";
const opaqueMarker = ".wh..wh..opq";

/**
 * Writes the archive of an unpacked layer (image-spec, layer.md) to a new file: sorted by name, numeric owners, times in
 * nanoseconds, extended attributes, hard links, and overlayfs's whiteouts and opaque marks as the archive has them. The same
 * directory always gives the same bytes, and so does one that was unpacked from them. Blocks: for a worker thread.
 */
export function packLayer(directory: string, file: string): PackedLayer {
  const output = new Output(file);
  try {
    new Packer(Buffer.from(directory).toString("latin1"), output).directory("");
    output.write(tarEnd);
    return output.finish();
  } finally {
    output.close();
  }
}

class Packer {
  readonly #root: string;
  readonly #output: Output;
  /** Paths of files with several names, by inode. */
  readonly #linked = new Map<bigint, string>();
  readonly #buffer = Buffer.allocUnsafe(chunkBytes);

  constructor(root: string, output: Output) {
    this.#root = root;
    this.#output = output;
  }

  /** A directory with all that is in it; `path` is "" or ends with a slash. */
  directory(path: string): void {
    const stats = this.#stats(path);
    const xattrs = layerXattrs(this.#place(path));
    const opaque = hasXattr(xattrs, "user.overlay.opaque");
    this.#entry({ ...attributes(stats), path: path === "" ? "./" : path, type: "directory", xattrs });
    if (opaque) this.#marker(`${path}${opaqueMarker}`);
    for (const name of this.#names(path)) {
      const child = `${path}${name}`;
      const found = this.#stats(child);
      if (found.isDirectory()) this.directory(`${child}/`);
      else this.#leaf(path, name, found);
    }
  }

  #leaf(directory: string, name: string, stats: BigIntStats): void {
    const path = `${directory}${name}`;
    const common = { ...attributes(stats), path };
    const earlier = stats.nlink > 1n ? this.#linked.get(stats.ino) : undefined;
    if (stats.isCharacterDevice() && stats.rdev === 0n) this.#marker(`${directory}${whiteoutPrefix}${name}`);
    else if (earlier !== undefined) this.#entry({ ...common, type: "link", target: earlier });
    else this.#single(common, stats);
  }

  #single(common: Omit<TarEntry, "type">, stats: BigIntStats): void {
    const { path } = common;
    if (stats.nlink > 1n) this.#linked.set(stats.ino, path);
    if (stats.isFile()) this.#file(common, stats);
    else if (stats.isFIFO()) this.#entry({ ...common, type: "fifo" });
    else if (stats.isSymbolicLink()) {
      const target = readlinkSync(bytes(this.#place(path)), { encoding: "latin1" });
      this.#entry({ ...common, type: "symlink", target });
    } else
      throw new LichenError({
        code: "INTERNAL",
        operation: "pack layer",
        object: this.#place(path),
        reason: "it is of a kind that no layer has",
      });
  }

  #file(common: Omit<TarEntry, "type">, stats: BigIntStats): void {
    const size = Number(stats.size);
    const place = this.#place(common.path);
    this.#entry({ ...common, type: "file", size, xattrs: layerXattrs(place) });
    const file = openSync(bytes(place), "r");
    try {
      let left = size;
      while (left > 0) {
        const count = readSync(file, this.#buffer, 0, Math.min(left, chunkBytes), null);
        if (count === 0) throw changed(place);
        this.#output.write(this.#buffer.subarray(0, count));
        left -= count;
      }
    } finally {
      closeSync(file);
    }
    this.#output.write(tarPadding(size));
  }

  /** Whiteouts have no attributes of their own. */
  #marker(path: string): void {
    this.#entry({ path, type: "file", mode: 0o644, uid: 0, gid: 0, mtime: 0n, size: 0 });
  }

  #entry(entry: TarEntry): void {
    const xattrs = (entry.xattrs ?? []).flatMap((name, at, all) =>
      at % 2 === 0 && isWelcome(name) ? [name, all[at + 1] ?? ""] : [],
    );
    this.#output.write(tarHeader({ ...entry, xattrs }));
  }

  #names(path: string): string[] {
    return readdirSync(bytes(this.#place(path)), { encoding: "latin1" }).sort();
  }

  #stats(path: string): BigIntStats {
    return lstatSync(bytes(this.#place(path)), { bigint: true });
  }

  #place(path: string): string {
    return `${this.#root}/${path}`;
  }
}

function attributes(stats: BigIntStats) {
  return {
    mode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mtime: stats.mtimeNs,
  };
}

function hasXattr(xattrs: readonly string[], wanted: string): boolean {
  return xattrs.some((name, at) => at % 2 === 0 && name === wanted);
}

/** Names need not be UTF-8: they are kept as byte strings, and the kernel gets the bytes. */
function bytes(path: string): Buffer {
  return Buffer.from(path, "latin1");
}

function changed(object: string): LichenError {
  return new LichenError({
    code: "DATA_LOSS",
    operation: "pack layer",
    object,
    reason: "the file became shorter: somebody changed the layer",
    hint: "remove the image and pull it again",
  });
}

/** A new file, its length and its digest. */
class Output {
  readonly #file: number;
  readonly #hash = createHash("sha256");
  #size = 0;

  constructor(path: string) {
    this.#file = openSync(path, "wx", 0o600);
  }

  write(data: Uint8Array): void {
    this.#hash.update(data);
    this.#size += data.length;
    for (let at = 0; at < data.length; ) at += writeSync(this.#file, data, at);
  }

  finish(): PackedLayer {
    return { diffId: `sha256:${this.#hash.digest("hex")}`, size: this.#size };
  }

  close(): void {
    closeSync(this.#file);
  }
}
