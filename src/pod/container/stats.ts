import { join } from "node:path";
import { diskUsage } from "../../resources/disk-usage.ts";
import { processUsage } from "../../resources/usage.ts";
import type { ContainerRecord } from "../../store/containers.ts";
import { containerDirectory, now, type PodContext } from "../context.ts";
import type { ContainerUsage } from "../types.ts";

/** What a container uses now. Its processes are only asked about while it runs. */
export async function containerUsage(
  context: PodContext,
  container: ContainerRecord,
): Promise<ContainerUsage> {
  const timestamp = now();
  const running = container.state === "running";
  const { cpu, memory } = running
    ? processUsage(context.cgroups, container.cgroup, container.pid)
    : { cpu: undefined, memory: undefined };
  const mountpoint = join(containerDirectory(context, container.id), "upper");
  return {
    container,
    timestamp,
    cpu,
    memory,
    writableLayer: { mountpoint, ...(await diskUsage(mountpoint)) },
  };
}
