import type { Command } from "commander";
import { withDaemon, withEach } from "../context.ts";
import { secondsOption } from "../options.ts";
import { findTarget, meansPod } from "../targets.ts";

/** `lichen stop NAME…`: containers get time to end; a pod made by `lichen run` is stopped with its container. */
export function stop(program: Command): void {
  program
    .command("stop")
    .description("stop containers or pods")
    .argument("<names...>", "names or ids of containers or pods")
    .option("-t, --timeout <seconds>", "time to end before being killed", secondsOption, 10)
    .action(async (names: string[], options: { timeout: number }, command: Command) => {
      await withDaemon(command, async ({ client }) => {
        await withEach(names, async (name) => {
          const target = await findTarget(client, name);
          const containers = target.container
            ? [target.container]
            : (await client.listContainers({ filter: { podSandboxId: target.pod.id } })).containers;
          await Promise.all(
            containers.map(({ id }) => client.stopContainer({ containerId: id, timeout: options.timeout })),
          );
          if (meansPod(target)) await client.stopPodSandbox({ podSandboxId: target.pod.id });
          process.stdout.write(`${name}\n`);
        });
      });
    });
}
