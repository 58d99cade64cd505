import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type Command, InvalidArgumentError } from "commander";
import { withDaemon } from "../context.ts";
import { type Forwarding, forwardPort } from "../streams/forward.ts";
import { findTarget } from "../targets.ts";

/** `lichen port-forward POD LOCAL:REMOTE…` until interrupted. */
export function portForward(program: Command): void {
  program
    .command("port-forward")
    .description("reach ports of a pod from here")
    .argument("<pod>", "name or id of a pod, or of one of its containers")
    .argument(
      "<ports...>",
      "LOCAL:REMOTE, PORT for both the same, or :REMOTE for any free local port",
      forwardingArgument,
    )
    .option("--listen <address>", "where to listen", "127.0.0.1")
    .action(async (name: string, ports: Forwarding[], options: { listen: string }, command: Command) => {
      await withDaemon(command, async ({ client }) => {
        const { pod } = await findTarget(client, name);
        const servers = [];
        for (const forwarding of ports) {
          const server = await forwardPort(client, pod.id, forwarding, options.listen, (reason) => {
            process.stderr.write(`port ${forwarding.remote}: ${reason}\n`);
          });
          const { port } = server.address() as AddressInfo;
          process.stdout.write(`${options.listen}:${port} -> ${forwarding.remote}\n`);
          servers.push(server);
        }
        await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
        for (const server of servers) server.close();
      });
      // Connections that are under way end with this process.
      process.exit();
    });
}

/** `8080:80`, `80`, `:80`. May be given many times. */
export function forwardingArgument(text: string, before: Forwarding[] = []): Forwarding[] {
  const [, local, remote] = /^(?:(\d*):)?(\d+)$/.exec(text) ?? [];
  const forwarding = { local: Number(local ?? remote), remote: Number(remote) };
  const wrong = remote === undefined || forwarding.remote < 1;
  if (wrong || forwarding.remote > 65_535 || forwarding.local > 65_535) {
    throw new InvalidArgumentError("Give LOCAL:REMOTE, such as 8080:80.");
  }
  return [...before, forwarding];
}
