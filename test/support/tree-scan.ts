import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** Everything below a directory but `except`: path, kind, mode, owner, time, content. Two scans are equal when nothing was touched. */
export function scanTree(directory: string, except: readonly string[] = []): string[] {
  const found: string[] = [];
  const walk = (path: string) => {
    if (except.includes(path)) return;
    const at = lstatSync(path, { bigint: true });
    const content = at.isFile()
      ? readFileSync(path, "latin1")
      : at.isSymbolicLink()
        ? readlinkSync(path)
        : "";
    found.push([path, at.mode, at.uid, at.gid, at.nlink, at.mtimeNs, content].join(" "));
    if (at.isDirectory()) for (const name of readdirSync(path).sort()) walk(join(path, name));
  };
  walk(directory);
  return found;
}
