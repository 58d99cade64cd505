import type { Command } from "commander";
import type { ContainerStats, PodSandboxStats, UInt64Value } from "#cri";
import { withDaemon } from "../context.ts";
import { bytes, cpuTime, shortId } from "../format.ts";
import { findContainer } from "../targets.ts";

const headings = ["ID", "NAME", "CPU", "CPU TIME", "MEMORY", "PROCESSES", "RECEIVED", "SENT", "DISK"];

/** `lichen stats [CONTAINER…]`: what pods and their containers use, as far as the kernel tells; `-` where it does not. */
export function stats(program: Command): void {
  program
    .command("stats")
    .description("show the resource use of pods and containers")
    .argument("[containers...]", "names or ids; all, by pod, without")
    .action(async (names: string[], _options: object, command: Command) => {
      await withDaemon(command, async ({ client, print }) => {
        if (names.length === 0) {
          const { stats: pods } = await client.listPodSandboxStats({});
          print(pods, headings, () => pods.flatMap(podStatsRows));
          return;
        }
        const { stats: all } = await client.listContainerStats({});
        const wanted = await Promise.all(names.map(async (name) => (await findContainer(client, name)).id));
        const shown = all.filter(({ attributes }) => wanted.includes(attributes?.id ?? ""));
        print(shown, headings, () => shown.map((one) => containerStatsRow(one)));
      });
    });
}

/** A row for the pod, and one for each container below it. */
export function podStatsRows({ attributes, linux }: PodSandboxStats): string[][] {
  const network = linux?.network?.defaultInterface;
  const pod = [
    shortId(attributes?.id ?? ""),
    attributes?.metadata?.name ?? "",
    ...usage(linux?.cpu ?? null, linux?.memory ?? null),
    figure(linux?.process?.processCount, String),
    figure(network?.rxBytes, bytes),
    figure(network?.txBytes, bytes),
    "-",
  ];
  return [pod, ...(linux?.containers ?? []).map((one) => containerStatsRow(one, "  "))];
}

export function containerStatsRow(stats: ContainerStats, indent = ""): string[] {
  const { attributes, cpu, memory, writableLayer } = stats;
  return [
    indent + shortId(attributes?.id ?? ""),
    attributes?.metadata?.name ?? "",
    ...usage(cpu, memory),
    ...["-", "-", "-"],
    figure(writableLayer?.usedBytes, bytes),
  ];
}

function usage(cpu: ContainerStats["cpu"], memory: ContainerStats["memory"]): string[] {
  return [
    figure(cpu?.usageNanoCores, (nanoCores) => `${(nanoCores / 1e7).toFixed(1)} %`),
    figure(cpu?.usageCoreNanoSeconds, cpuTime),
    figure(memory?.workingSetBytes, bytes),
  ];
}

function figure(value: UInt64Value | null | undefined, text: (value: number) => string): string {
  return value ? text(value.value) : "-";
}
