import { processUsage } from "../../resources/usage.ts";
import type { ContainerRecord } from "../../store/containers.ts";
import { now, type PodContext, upperDirectory } from "../context.ts";
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
  const mountpoint = upperDirectory(context, container.id);
  return {
    container,
    timestamp,
    cpu,
    memory,
    writableLayer: { mountpoint, ...(await context.layerUsage.of(mountpoint)) },
  };
}
