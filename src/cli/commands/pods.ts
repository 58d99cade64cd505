import type { Command } from "commander";
import { type PodSandbox, PodSandboxState } from "#cri";
import { withDaemon } from "../context.ts";
import { age, shortId, stateName } from "../format.ts";
import { colouredState } from "../output.ts";

/** `lichen pods`: pod sandboxes. */
export function pods(program: Command): void {
  program
    .command("pods")
    .description("list pods")
    .action(async (_options: object, command: Command) => {
      await withDaemon(command, async ({ client, print }) => {
        const { items } = await client.listPodSandbox({});
        print(items, ["POD", "NAME", "NAMESPACE", "STATE", "AGE"], () => podRows(items));
      });
    });
}

/** One row a pod. */
export function podRows(items: PodSandbox[], now?: number): string[][] {
  return items.map((pod) => [
    shortId(pod.id),
    pod.metadata?.name ?? "",
    pod.metadata?.namespace ?? "",
    colouredState(stateName(PodSandboxState, pod.state)),
    age(pod.createdAt, now),
  ]);
}
