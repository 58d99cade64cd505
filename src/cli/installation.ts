import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** The folder with what the build made: this file's own when bundled, the checkout's dist/ when run from source. */
function dist(): string {
  if (process.env.LICHEN_DIST) return process.env.LICHEN_DIST;
  const here = import.meta.dirname;
  return existsSync(join(here, "daemon.mjs")) ? here : join(dirname(dirname(here)), "dist");
}

/** The command itself, as a person starts it. */
export const lichenPath = (): string => join(dist(), "lichen");
export const launcherPath = (): string => join(dist(), "bin/lichen-launcher");
export const daemonPath = (): string => join(dist(), "daemon.mjs");

/** V8 settings that keep an idle daemon small at no price that can be measured. */
export const memoryFlags = ["--max-semi-space-size=1", "--optimize-for-size", "--expose-gc"];
