import type { Command } from "commander";
import type { ContainerStats } from "#cri";
import { withDaemon } from "../context.ts";
import { bytes, cpuTime, shortId } from "../format.ts";
import { findContainer } from "../targets.ts";

/** `lichen stats [CONTAINER…]`: what containers use, as far as the kernel tells; `-` where it does not. */
export function stats(program: Command): void {
  program
    .command("stats")
    .description("show the resource use of containers")
    .argument("[containers...]", "names or ids; all without")
    .action(async (names: string[], _options: object, command: Command) => {
      await withDaemon(command, async ({ client, print }) => {
        const { stats: all } = await client.listContainerStats({});
        const wanted = await Promise.all(names.map(async (name) => (await findContainer(client, name)).id));
        const shown =
          names.length === 0 ? all : all.filter(({ attributes }) => wanted.includes(attributes?.id ?? ""));
        print(shown, ["CONTAINER", "NAME", "CPU TIME", "MEMORY", "DISK"], () => statsRows(shown));
      });
    });
}

/** One row a container. */
export function statsRows(shown: ContainerStats[]): string[][] {
  return shown.map(({ attributes, cpu, memory, writableLayer }) => [
    shortId(attributes?.id ?? ""),
    attributes?.metadata?.name ?? "",
    cpu?.usageCoreNanoSeconds ? cpuTime(cpu.usageCoreNanoSeconds.value) : "-",
    memory?.workingSetBytes ? bytes(memory.workingSetBytes.value) : "-",
    writableLayer?.usedBytes ? bytes(writableLayer.usedBytes.value) : "-",
  ]);
}
