import type { Command } from "commander";
import { ContainerState } from "#cri";
import { misuse, withDaemon, withEach } from "../context.ts";
import { removePod } from "../run-pod.ts";
import { findTarget, meansPod } from "../targets.ts";

/** `lichen rm NAME…`: a pod goes with all its containers, and so does the pod that `lichen run` made for one container. */
export function rm(program: Command): void {
  program
    .command("rm")
    .description("remove containers or pods")
    .argument("<names...>", "names or ids of containers or pods")
    .option("-f, --force", "also what is running")
    .action(async (names: string[], options: { force?: boolean }, command: Command) => {
      await withDaemon(command, async ({ client }) => {
        await withEach(names, async (name) => {
          const target = await findTarget(client, name);
          const { containers } = await client.listContainers({ filter: { podSandboxId: target.pod.id } });
          const concerned = meansPod(target)
            ? containers
            : containers.filter(({ id }) => id === target.container?.id);
          if (!options.force && concerned.some(({ state }) => state === ContainerState.CONTAINER_RUNNING)) {
            throw misuse(
              "remove",
              name,
              "it is running",
              `stop it first (lichen stop ${name}), or use --force`,
            );
          }
          if (meansPod(target)) await removePod(client, target.pod);
          else for (const { id } of concerned) await client.removeContainer({ containerId: id });
          process.stdout.write(`${name}\n`);
        });
      });
    });
}
