import type { Stats } from "node:fs";
import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, readSync } from "node:fs";
import { join } from "node:path";
import { LichenError } from "../errors.ts";

const maximumBytes = 4 * 1024 * 1024;
const maximumLinks = 40;

/**
 * The text of a file of an image as its root file system will show it, read from the unpacked layers (`lower`, topmost first)
 * without mounting them; undefined when there is no such file. Symbolic links are followed inside the image only: `..` and
 * absolute targets stay beneath its root, whatever the image says. FAILED_PRECONDITION for a file of more than 4 MiB.
 * An opaque directory is not known as one here (Node reads no extended attributes): what it hides may be found.
 */
export function readImageFile(lower: readonly string[], path: string): string | undefined {
  const found = resolve(lower, path);
  if (found === undefined) return undefined;
  const fd = openSync(found, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { size } = fstatSync(fd);
    if (size > maximumBytes) {
      throw new LichenError({
        code: "FAILED_PRECONDITION",
        operation: "read file of image",
        object: path,
        reason: `${size} bytes, more than ${maximumBytes}`,
      });
    }
    const bytes = Buffer.alloc(size);
    const length = readSync(fd, bytes, 0, size, 0);
    return bytes.toString("utf8", 0, length);
  } finally {
    closeSync(fd);
  }
}

/** Where the file lies: the host path of a regular file in one of the layers. */
function resolve(lower: readonly string[], path: string): string | undefined {
  let pending = path.split("/").filter(Boolean);
  let links = 0;
  // The directories walked so far: each with its name and the layers that take part in it.
  const walked: { prefix: string; layers: readonly string[] }[] = [{ prefix: "", layers: lower }];
  while (pending.length > 0) {
    const [name, ...rest] = pending as [string, ...string[]];
    pending = rest;
    if (name === ".") continue;
    if (name === "..") {
      if (walked.length > 1) walked.pop();
      continue;
    }
    const here = walked.at(-1)!;
    const prefix = join(here.prefix, name);
    const entry = entryOf(here.layers, prefix);
    if (entry === undefined) return undefined;
    if (entry.stats.isSymbolicLink()) {
      if (++links > maximumLinks) return undefined;
      const target = readlinkSync(join(entry.layers[0]!, prefix));
      if (target.startsWith("/")) walked.length = 1;
      pending = [...target.split("/").filter(Boolean), ...pending];
    } else if (entry.stats.isDirectory()) {
      walked.push({ prefix, layers: entry.layers });
    } else {
      return entry.stats.isFile() && pending.length === 0 ? join(entry.layers[0]!, prefix) : undefined;
    }
  }
  return undefined;
}

/** What the merged layers hold at `prefix`; its parent is known to be a true directory in each of `layers`. */
function entryOf(
  layers: readonly string[],
  prefix: string,
): { stats: Stats; layers: readonly string[] } | undefined {
  let first: Stats | undefined;
  const taking: string[] = [];
  for (const layer of layers) {
    const stats = lstatSync(join(layer, prefix), { throwIfNoEntry: false });
    if (stats === undefined) continue;
    // A character device 0:0 is overlayfs's whiteout: nothing below it counts.
    if (stats.isCharacterDevice() && stats.rdev === 0) break;
    if (first !== undefined && !stats.isDirectory()) break;
    first ??= stats;
    taking.push(layer);
    if (!stats.isDirectory()) break;
  }
  return first === undefined ? undefined : { stats: first, layers: taking };
}
