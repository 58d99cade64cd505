import type { Command } from "commander";
import type { GlobalOptions } from "../context.ts";
import { launcherPath } from "../installation.ts";
import { runtimeDirOf } from "../socket.ts";
import { become } from "./serve.ts";

/** `lichen enter -- COMMAND…`: a command inside the daemon's namespaces, as a kubelet has to run. */
export function enter(program: Command): void {
  program
    .command("enter")
    .description("run a command inside lichen's namespaces")
    .argument("<command...>", "the command and its arguments")
    .option(
      "--systemd",
      "show it your systemd and its cgroups as the machine's: for a kubelet with that driver",
    )
    .passThroughOptions()
    .action((args: string[], { systemd }: { systemd?: true }, command: Command) => {
      const runtimeDir = runtimeDirOf(command.optsWithGlobals<GlobalOptions>());
      const cgroups = systemd ? ["--cgroups", "systemd"] : [];
      become(launcherPath(), ["enter", "--runtime-dir", runtimeDir, ...cgroups, "--", ...args]);
    });
}
