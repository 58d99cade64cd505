// The folders in which everything is made that the conformance tests and the VM need: tools, programs, packages and disk images, each
// made again only when its recipe changes.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const checkout = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** Readable for everybody: the tests run as another user than the one who prepares them. */
export const workshop = join(checkout, ".cache/conformance");

/** SHA-256 in hex over texts, kept apart from each other. */
export function fingerprint(parts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}:${part}`);
  return hash.digest("hex");
}

/**
 * Gives the folder NAME of the workshop (or of another place), filled by `make` for exactly this `recipe` (every text that decides what comes out). `make`
 * gets an empty folder, which takes its place only when it is complete: an interrupted run leaves nothing half-made.
 */
export async function made(
  name: string,
  recipe: readonly string[],
  make: (directory: string) => Promise<void>,
  place = workshop,
): Promise<string> {
  const directory = join(place, name);
  const stamp = join(directory, ".recipe");
  const wanted = fingerprint(recipe);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return directory;
  const fresh = `${directory}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  await make(fresh);
  writeFileSync(join(fresh, ".recipe"), wanted);
  rmSync(directory, { recursive: true, force: true });
  renameSync(fresh, directory);
  return directory;
}
