import type { Command } from "commander";
import { type Container, ContainerState, type PodSandbox } from "#cri";
import { withDaemon } from "../context.ts";
import { age, shortId, stateName, withStateNames } from "../format.ts";
import { colouredState, printIds } from "../output.ts";

/** `lichen ps`: containers. */
export function ps(program: Command): void {
  program
    .command("ps")
    .description("list containers")
    .option("-a, --all", "also those that are not running")
    .option("-q, --quiet", "print ids only")
    .action(async (options: { all?: boolean; quiet?: boolean }, command: Command) => {
      await withDaemon(command, async ({ client, print }) => {
        const running = { state: ContainerState.CONTAINER_RUNNING };
        const [{ containers }, { items: pods }] = await Promise.all([
          client.listContainers(options.all ? {} : { filter: { state: running } }),
          client.listPodSandbox({}),
        ]);
        if (options.quiet) return printIds(containers);
        print(
          withStateNames(ContainerState, containers),
          ["CONTAINER", "NAME", "STATE", "AGE", "IMAGE", "POD"],
          () => containerRows(containers, pods),
        );
      });
    });
}

/** One row a container; the pod by its name. */
export function containerRows(containers: Container[], pods: PodSandbox[], now?: number): string[][] {
  return containers.map((container) => [
    shortId(container.id),
    container.metadata?.name ?? "",
    colouredState(stateName(ContainerState, container.state)),
    age(container.createdAt, now),
    container.image?.userSpecifiedImage || container.image?.image || shortId(container.imageRef),
    pods.find((pod) => pod.id === container.podSandboxId)?.metadata?.name ?? shortId(container.podSandboxId),
  ]);
}
