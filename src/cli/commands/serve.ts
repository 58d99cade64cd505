import { accessSync, constants } from "node:fs";
import type { Command } from "commander";
import { resolvePaths } from "../../config/paths.ts";
import { LichenError } from "../../errors.ts";
import type { GlobalOptions } from "../context.ts";
import { daemonPath, launcherPath, memoryFlags } from "../installation.ts";

interface ServeOptions extends GlobalOptions {
  config?: string;
  dataDir?: string;
}

/** `lichen serve`: checks what it was given, then becomes the launcher, which starts the daemon and keeps it running. */
export function serve(program: Command): void {
  program
    .command("serve")
    .description("run the daemon in the foreground")
    .option("--config <file>", "configuration file (TOML)")
    .option("--data-dir <directory>", "images and state; default $XDG_DATA_HOME/lichen")
    .action(async (_options: object, command: Command) => {
      const options = command.optsWithGlobals<ServeOptions>();
      const uid = process.getuid?.() ?? 0;
      refuseRoot(uid);
      const paths = resolvePaths(options, process.env, uid);
      const { loadConfig } = await import("../../config/load.ts");
      const config = loadConfig(paths.configFile, { required: paths.configGiven });
      const directories = ["--runtime-dir", paths.runtimeDir, "--data-dir", paths.dataDir];
      // Only a file that was named must exist: the daemon looks for the default one itself.
      const named = paths.configGiven ? ["--config", paths.configFile] : [];
      const daemon = [process.execPath, ...memoryFlags, daemonPath(), ...directories, ...named];
      const choices = ["--uplink", config.network.uplink, "--cgroup", config.cgroups.subtree];
      if (config.network.host_loopback) choices.push("--host-loopback", "on");
      become(launcherPath(), ["serve", ...directories, ...choices, "--", ...daemon]);
    });
}

function refuseRoot(uid: number): void {
  if (uid !== 0) return;
  throw new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "serve",
    object: "",
    reason: "lichen is for unprivileged users and does not run as root",
    hint: "start it as an ordinary user, for example: runuser -u USER -- lichen serve",
  });
}

/** Replaces this process, so that signals, terminal and exit status are the program's own. */
export function become(file: string, args: string[]): never {
  try {
    accessSync(file, constants.X_OK);
  } catch (cause) {
    throw new LichenError({
      code: "FAILED_PRECONDITION",
      operation: "start",
      object: file,
      reason: "it is missing or may not be executed",
      hint: "build lichen with: npm run build",
      cause,
    });
  }
  return process.execve!(file, [file, ...args], process.env);
}
