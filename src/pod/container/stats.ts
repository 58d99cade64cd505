import { processUsage } from "../../resources/usage.ts";
import type { ContainerRecord } from "../../store/containers.ts";
import { now, type PodContext, upperDirectory } from "../context.ts";
import type { ContainerUsage } from "../types.ts";

/** What all containers of the node, running or not, have written to their own layers. */
export async function writableUsage(context: PodContext): Promise<{ bytes: number; inodes: number }> {
  const layers = context.containers.all().map(({ id }) => context.layerUsage.of(upperDirectory(context, id)));
  const usages = await Promise.all(layers);
  return usages.reduce(
    (sum, { bytes, inodes }) => ({ bytes: sum.bytes + bytes, inodes: sum.inodes + inodes }),
    { bytes: 0, inodes: 0 },
  );
}

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
