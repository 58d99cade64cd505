// The second disk: what is to be done in the VM, and everything that it is done with.
import { cpSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { run } from "../../conformance/command.ts";
import { checkout } from "../../conformance/workshop.ts";

/** Parts of the checkout that tests run from, as they lie. */
const parts = ["dist", "src", "proto", "test", "bench", "scripts", "package.json"];
/** Node alone of its package, without headers and npm. */
const node = `node_modules/node-linux-${process.arch}/bin/node`;

const lockFile = z.object({ packages: z.record(z.string(), z.object({ dev: z.boolean().optional() })) });

/** The folders of those npm packages that the sources import: without tools for development and without Node's own package. */
export function neededModules(lock: string): string[] {
  return Object.entries(lockFile.parse(JSON.parse(lock)).packages)
    .filter(([path, { dev }]) => path !== "" && !dev && !path.includes("node-linux-"))
    .map(([path]) => path);
}

export interface Job {
  /** Shell script that root runs in the VM; /job holds the checkout's parts. Its exit status is the VM's. */
  start: string;
  /** More files and folders: from where on this machine to where below /job. */
  extra?: Record<string, string>;
}

/** Makes the disk's image at `path`. */
export async function makeJob(path: string, job: Job): Promise<void> {
  const tree = `${path}.tree`;
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(tree, { recursive: true });
  const lock = readFileSync(join(checkout, "package-lock.json"), "utf8");
  const copied = [...parts, node, ...neededModules(lock)].map(
    (part) => [join(checkout, part), part] as const,
  );
  for (const [from, to] of [...copied, ...Object.entries(job.extra ?? {})]) {
    if (lstatSync(from, { throwIfNoEntry: false }) === undefined) continue;
    mkdirSync(dirname(join(tree, to)), { recursive: true });
    cpSync(from, join(tree, to), { recursive: true, verbatimSymlinks: true, mode: 0 });
  }
  writeFileSync(join(tree, "start"), job.start);
  rmSync(path, { force: true });
  await run("mke2fs", ["-q", "-t", "ext4", "-L", "lichen-job", "-m", "0", "-d", tree, path, "600M"]);
  rmSync(tree, { recursive: true });
}
