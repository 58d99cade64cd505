import { readFiles } from "../../native/cgroup.ts";

/** The texts of files, each read once however often it is named: a pod's processes are its containers' as well. */
export async function readOnce(paths: readonly string[]): Promise<(string | undefined)[]> {
  if (paths.length === 0) return [];
  const unique = [...new Set(paths)];
  const texts = await readFiles(unique);
  if (unique.length === paths.length) return texts;
  const byPath = new Map(unique.map((path, index) => [path, texts[index]]));
  return paths.map((path) => byPath.get(path));
}
