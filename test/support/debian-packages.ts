import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const variable = "LICHEN_TEST_PACKAGES";

/**
 * The .deb files of packages of this machine's distribution, fetched by apt-get without privilege; or why there are none. To be
 * called before a test file goes into namespaces, which have no network: it finds there what was fetched outside.
 */
export function debianPackages(names: readonly string[]): { files: string[] } | { missing: string } {
  const known = process.env[variable];
  if (known !== undefined) return JSON.parse(known) as { files: string[] } | { missing: string };
  const found = fetchPackages(names);
  process.env[variable] = JSON.stringify(found);
  return found;
}

function fetchPackages(names: readonly string[]): { files: string[] } | { missing: string } {
  const directory = mkdtempSync(join(tmpdir(), "lichen-debs-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  const done = spawnSync("apt-get", ["-q", "download", ...names], { cwd: directory, encoding: "utf8" });
  if (done.error !== undefined) return { missing: `apt-get: ${done.error.message}` };
  if (done.status !== 0) return { missing: `apt-get download: ${done.stderr.trim().split("\n").at(-1)}` };
  // In the order of their names: the layers are always the same.
  return {
    files: readdirSync(directory)
      .sort()
      .map((file) => join(directory, file)),
  };
}
