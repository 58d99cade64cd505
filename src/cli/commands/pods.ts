import type { Command } from "commander";
import { type PodSandbox, PodSandboxState } from "#cri";
import { withDaemon } from "../context.ts";
import { age, shortId, stateName, withStateNames } from "../format.ts";
import { colouredState, printIds } from "../output.ts";

/** `lichen pods`: pod sandboxes. */
export function pods(program: Command): void {
  program
    .command("pods")
    .description("list pods")
    .option("-q, --quiet", "print ids only")
    .action(async ({ quiet }: { quiet?: boolean }, command: Command) => {
      await withDaemon(command, async ({ client, print }) => {
        const { items } = await client.listPodSandbox({});
        if (quiet) return printIds(items);
        print(withStateNames(PodSandboxState, items), ["POD", "NAME", "NAMESPACE", "STATE", "AGE"], () =>
          podRows(items),
        );
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
