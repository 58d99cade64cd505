import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Command } from "commander";
import { resolvePaths } from "../../config/paths.ts";
import { LichenError } from "../../errors.ts";
import { type GlobalOptions, misuse } from "../context.ts";
import { launcherPath } from "../installation.ts";
import { liveProcesses, notOurs } from "../leftovers.ts";

interface ResetOptions extends GlobalOptions {
  dataDir?: string;
  yes?: boolean;
  force?: boolean;
}

/** Monitors that were killed are gone within milliseconds. */
const patienceMs = 10_000;

/**
 * `lichen reset`: removes all images, containers and state of an instance that does not run. Their files belong to subordinate ids, which
 * the plain user cannot remove.
 */
export function reset(program: Command): void {
  program
    .command("reset")
    .description("remove all images, containers and state (the daemon must not run)")
    .option("--data-dir <directory>", "the daemon's data directory; default $XDG_DATA_HOME/lichen")
    .option("-y, --yes", "do not ask")
    .option("-f, --force", "end pods that still run")
    .action(async (_options: object, command: Command) => {
      const options = command.optsWithGlobals<ResetOptions>();
      const { runtimeDir, dataDir } = resolvePaths(options, process.env, process.getuid?.() ?? 0);
      const refusal = notOurs(dataDir);
      if (refusal !== undefined) throw refused(dataDir, refusal, "name the right one with --data-dir");
      refuseRunning(runtimeDir, options.force === true);
      const directories = [dataDir, runtimeDir].filter((directory) => existsSync(directory));
      if (directories.length === 0) {
        console.log("nothing to remove");
        return;
      }
      if (options.yes !== true) await confirm(directories);
      await endMonitors(runtimeDir);
      await promisify(execFile)(launcherPath(), ["unshare", "--", "rm", "-rf", "--", ...directories]);
      for (const directory of directories) console.log(`removed ${directory}`);
    });
}

function refuseRunning(runtimeDir: string, force: boolean): void {
  const live = liveProcesses(runtimeDir);
  const daemon = live.find(({ what }) => what !== "monitor");
  if (daemon)
    throw refused(runtimeDir, `its ${daemon.what} runs (PID ${daemon.pid})`, "end lichen serve first");
  if (live.length === 0 || force) return;
  throw refused(
    runtimeDir,
    `${live.length} pods still run`,
    "remove them with lichen rm, or end them with --force",
  );
}

async function endMonitors(runtimeDir: string): Promise<void> {
  for (const { pid } of liveProcesses(runtimeDir)) process.kill(pid, "SIGKILL");
  for (const began = Date.now(); Date.now() - began < patienceMs; await sleep(10)) {
    if (liveProcesses(runtimeDir).length === 0) return;
  }
}

async function confirm(directories: readonly string[]): Promise<void> {
  if (!process.stdin.isTTY) {
    throw misuse("reset", directories.join(" and "), "nobody is there to be asked", "add --yes");
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(
    `Remove ${directories.join(" and ")}, with everything in them? [y/N] `,
  );
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw refused(directories.join(" and "), "it was not wished for");
}

function refused(object: string, reason: string, hint?: string): LichenError {
  const fields = { code: "FAILED_PRECONDITION", operation: "reset", object, reason } as const;
  return new LichenError(hint === undefined ? fields : { ...fields, hint });
}
