import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { LichenError } from "../errors.ts";

/**
 * The folder of what the build made: $LICHEN_DIST, else this file's own (a bundle lies beside the addon), else the
 * checkout's dist/.
 */
export function distDirectory(): string {
  if (process.env.LICHEN_DIST) return process.env.LICHEN_DIST;
  const here = import.meta.dirname;
  return existsSync(join(here, "lichen.node")) ? here : join(dirname(dirname(here)), "dist");
}

/** A file of dist/ that must be there: `lichen.node`, `bin/lichen-monitor`. FAILED_PRECONDITION when it was not built. */
export function distFile(name: string): string {
  const path = join(distDirectory(), name);
  if (existsSync(path)) return path;
  throw new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "find",
    object: path,
    reason: "there is no such file",
    hint: "run `npm run build`, or set LICHEN_DIST to the folder that has it",
  });
}
