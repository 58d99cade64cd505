import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

export interface LogFileName {
  path: string;
  inode: bigint;
}

/** How often the files are looked at again when a rotation is under way. */
const attempts = 20;

/**
 * The files of a container's log, oldest first: those that a kubelet has rotated away (`0.log.20261124-101112`; compressed ones are left
 * out), those that lichen has (`0.log.2`, then `0.log.1`), and the one that is written to, unless it has just been renamed.
 */
export async function logFiles(path: string): Promise<LogFileName[]> {
  let files = await look(path);
  // Renaming goes file by file: only what looks the same twice was not seen halfway.
  for (let attempt = 0; attempt < attempts; attempt++) {
    const again = await look(path);
    const same = again.length === files.length && again.every(({ inode }, at) => inode === files[at]?.inode);
    files = again;
    if (same) break;
  }
  return files;
}

async function look(path: string): Promise<LogFileName[]> {
  const start = `${basename(path)}.`;
  const names = await readdir(dirname(path)).catch(() => []);
  const suffixes = names.filter((name) => name.startsWith(start)).map((name) => name.slice(start.length));
  const ordered = [
    ...suffixes.filter((suffix) => /^\d{8}-\d{6}$/.test(suffix)).sort(),
    ...suffixes
      .filter((suffix) => /^\d{1,4}$/.test(suffix))
      .sort((one, other) => Number(other) - Number(one)),
  ].map((suffix) => join(dirname(path), `${start}${suffix}`));
  const found = (await Promise.all(ordered.map(identify))).flat();
  // Where both rotate, only the times of the last writing tell the order. Equal ones stay as they are.
  found.sort((one, other) => Number(one.written - other.written));
  return [...found, ...(await identify(path))];
}

async function identify(path: string): Promise<(LogFileName & { written: bigint })[]> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found === undefined ? [] : [{ path, inode: found.ino, written: found.mtimeNs }];
}
