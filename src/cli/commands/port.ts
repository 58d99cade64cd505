import type { Command } from "commander";
import { withDaemon } from "../context.ts";
import { type ListedPort, podNetwork, portText } from "../pod-network.ts";
import { findTarget } from "../targets.ts";

/** `lichen port NAME`: the host ports of a container's pod. */
export function port(program: Command): void {
  program
    .command("port")
    .description("list the host ports of a container or pod")
    .argument("<name>", "container or pod, by name or id")
    .action(async (name: string, _options: object, command: Command) => {
      await withDaemon(command, async ({ client, print }) => {
        const { pod } = await findTarget(client, name);
        const { ports } = await podNetwork(client, pod.id);
        print(ports, ["HOST", "POD"], () => portRows(ports));
      });
    });
}

/** One row a port. */
export function portRows(ports: readonly ListedPort[]): string[][] {
  return ports.map((one) => portText(one).split("->"));
}
