import type { Command } from "commander";
import { launcherPath } from "../installation.ts";
import { become } from "./serve.ts";

/** `lichen unshare -- COMMAND…`: a command that may read and change files of the user's subordinate ids, node or no node. */
export function unshare(program: Command): void {
  program
    .command("unshare")
    .description("run a command as root over your subordinate ids (files that containers own)")
    .argument("<command...>", "the command and its arguments")
    .passThroughOptions()
    .action((args: string[]) => {
      become(launcherPath(), ["unshare", "--", ...args]);
    });
}
