import { nativeAsync } from "./addon.ts";

/** What a tree takes on disk, and how long it took to look. */
export interface TreeUsage {
  bytes: number;
  inodes: number;
  tookMs: number;
}

/**
 * The blocks and inodes of directory trees, in their order, looked at off the main thread. A file with several names counts once, symbolic
 * links are not followed, other file systems left out; what vanishes meanwhile or may not be read counts as nothing.
 */
export async function diskUsages(directories: readonly string[]): Promise<TreeUsage[]> {
  const figures = await nativeAsync((raw) => raw.diskUsages(directories));
  return directories.map((_, index) => ({
    bytes: figures[3 * index] ?? 0,
    inodes: figures[3 * index + 1] ?? 0,
    tookMs: figures[3 * index + 2] ?? 0,
  }));
}
