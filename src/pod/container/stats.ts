import type { Subject } from "../../resources/usage/read.ts";
import { readUsage } from "../../resources/usage/read.ts";
import type { Usage } from "../../resources/usage/types.ts";
import type { ContainerRecord } from "../../store/containers.ts";
import { now, type PodContext, upperDirectory } from "../context.ts";
import type { ContainerUsage } from "../types.ts";

const nothing: Usage = {
  cpu: undefined,
  memory: undefined,
  swap: undefined,
  io: undefined,
  processes: undefined,
  threads: undefined,
};

/** Where a container's usage is read; its processes are only asked about while it runs. */
export function containerSubject({ state, cgroup, pid }: ContainerRecord): Subject {
  if (state !== "running") return { cgroups: [], leaves: [], pid: 0 };
  return { cgroups: [cgroup], leaves: [cgroup], pid };
}

/** What containers use now. */
export async function containersUsage(
  context: PodContext,
  containers: readonly ContainerRecord[],
): Promise<ContainerUsage[]> {
  const usages = await readUsage(context.cgroups, containers.map(containerSubject));
  const timestamp = now();
  return Promise.all(
    containers.map((container, index) =>
      containerUsage(context, container, usages[index] ?? nothing, timestamp),
    ),
  );
}

/** What all containers of the node, running or not, have written to their own layers. */
export async function writableUsage(context: PodContext): Promise<{ bytes: number; inodes: number }> {
  const layers = context.containers.all().map(({ id }) => context.layerUsage.of(upperDirectory(context, id)));
  const usages = await Promise.all(layers);
  return usages.reduce(
    (sum, { bytes, inodes }) => ({ bytes: sum.bytes + bytes, inodes: sum.inodes + inodes }),
    { bytes: 0, inodes: 0 },
  );
}

/** Adds to what was read of a container what else is known of it. */
export async function containerUsage(
  context: PodContext,
  container: ContainerRecord,
  usage: Usage,
  timestamp: bigint,
): Promise<ContainerUsage> {
  const mountpoint = upperDirectory(context, container.id);
  const writableLayer = { mountpoint, ...(await context.layerUsage.of(mountpoint)) };
  return {
    container,
    timestamp,
    ...usage,
    nanoCores: nanoCores(context, container.id, container.startedAt, timestamp, usage),
    writableLayer,
    logLost: context.logLost.get(container.id) ?? 0,
  };
}

/** CPU nanoseconds a second of a pod or container. */
export function nanoCores(
  context: PodContext,
  id: string,
  since: bigint,
  at: bigint,
  { cpu }: Usage,
): bigint | undefined {
  return cpu && context.cpuRates.nanoCores(id, since, at, cpu.usageNanoseconds);
}
