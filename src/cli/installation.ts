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
/** The AppArmor profile of containers that name none, for an administrator to load. */
export const appArmorProfilePath = (): string => join(dist(), "apparmor.d/lichen-default");
export const daemonPath = (): string => join(dist(), "daemon.mjs");

/**
 * V8 settings for a daemon that is small when idle and quick when asked. Without the memory reducer the heap may grow by half before it is
 * collected whole, not by some megabytes: answers about hundreds of pods cost half the CPU time. What that leaves is given back when the
 * daemon has nothing to do (src/daemon/memory.ts). Without pretenuring a poll's garbage stays where it is cheap: V8 would take the lists of
 * the first poll, which are kept, for the rule, and put all later ones among the old objects (16 times as much of them).
 */
export const memoryFlags = [
  "--max-semi-space-size=2",
  "--no-memory-reducer",
  "--no-allocation-site-pretenuring",
  "--expose-gc",
];
