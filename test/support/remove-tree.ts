import { chmodSync, existsSync, globSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Removes a directory in which overlays were mounted: overlayfs leaves `work` directories of mode 0. */
export function removeTree(directory: string): void {
  for (const work of globSync("**/work", { cwd: directory })) {
    const path = join(directory, work);
    if (existsSync(path)) chmodSync(path, 0o700);
  }
  rmSync(directory, { recursive: true, force: true });
}
