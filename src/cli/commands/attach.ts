import type { Command } from "commander";
import { withDaemon } from "../context.ts";
import { attachHere } from "../streams/attach.ts";
import { findContainer } from "../targets.ts";

/** `lichen attach CONTAINER`: joins what runs; with a terminal, ctrl-p ctrl-q leave it running. */
export function attach(program: Command): void {
  program
    .command("attach")
    .description("join a running container's input and output (leave it with ctrl-p ctrl-q)")
    .argument("<container>", "name or id")
    .option("--no-stdin", "only watch")
    .action(async (name: string, options: { stdin: boolean }, command: Command) => {
      await withDaemon(command, async ({ client }) => {
        const { id: containerId } = await findContainer(client, name);
        const { info } = await client.containerStatus({ containerId, verbose: true });
        const terminal = hasTerminal(info.info);
        // A terminal without one here can be watched, but not typed into.
        const tty = terminal && (!options.stdin || process.stdin.isTTY === true);
        const code = await attachHere(client, { containerId, interactive: options.stdin, tty });
        if (code !== undefined) process.exitCode = code;
        else process.stderr.write(`\r\nthe container runs on: lichen attach ${name}\r\n`);
      });
    });
}

/** Whether the container has a terminal, from the verbose part of its status. */
function hasTerminal(info = "{}"): boolean {
  const parsed = JSON.parse(info) as { runtimeSpec?: { process?: { terminal?: boolean } } };
  return parsed.runtimeSpec?.process?.terminal === true;
}
