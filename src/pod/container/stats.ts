import type { MeasuredUsage } from "../../resources/disk-usage.ts";
import type { Subject, SubjectUsage } from "../../resources/usage/read.ts";
import type { Sample } from "../../resources/usage/sampler.ts";
import type { Usage } from "../../resources/usage/types.ts";
import type { ContainerRecord } from "../../store/containers.ts";
import { now, type PodContext, upperDirectory } from "../context.ts";
import { madeOnce } from "../made-once.ts";
import type { ContainerUsage } from "../types.ts";

const nothing: SubjectUsage = {
  interfaces: [],
  cpu: undefined,
  memory: undefined,
  swap: undefined,
  io: undefined,
  processes: undefined,
  threads: undefined,
};

/** For what has no processes, or is gone at this moment. */
export const unknown = (): Sample<SubjectUsage> => ({ usage: nothing, at: now() });

/** Where a running container's usage is read. */
export const containerSubject = madeOnce(
  ({ id, cgroup, pid }: ContainerRecord): Subject => ({
    key: id,
    cgroups: [cgroup],
    leaves: [cgroup],
    pid,
    network: 0,
  }),
);

/** What containers use now; of those that do not run only their writable layers are told. */
export async function containersUsage(
  context: PodContext,
  containers: readonly ContainerRecord[],
): Promise<ContainerUsage[]> {
  const isRunning = ({ state }: ContainerRecord) => state === "running";
  const samples = await context.usage.of(containers.filter(isRunning).map(containerSubject));
  return settled(
    containers.map((container) =>
      containerUsage(context, container, isRunning(container) ? samples.get(container.id) : undefined),
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

/**
 * Adds to what was read of a container what else is known of it; the same object again while none of that has changed. A promise only
 * where its layer has never been looked at: lists of hundreds make no garbage then.
 */
export function containerUsage(
  context: PodContext,
  container: ContainerRecord,
  sample: Sample<SubjectUsage> | undefined,
): ContainerUsage | Promise<ContainerUsage> {
  const { id } = container;
  const mountpoint = upperDirectory(context, id);
  const logLost = context.logLost.get(id) ?? 0;
  const whole = (layer: MeasuredUsage): ContainerUsage =>
    context.containerUsages.of(id, [container, sample, layer, logLost], () => {
      const { usage, at } = sample ?? unknown();
      const rate = nanoCores(context, id, container.startedAt, at, usage);
      const writableLayer = { mountpoint, ...layer };
      return { container, timestamp: at, ...usage, nanoCores: rate, writableLayer, logLost };
    });
  const layer = context.layerUsage.of(mountpoint);
  return layer instanceof Promise ? layer.then(whole) : whole(layer);
}

/** All of them, without waiting where none is a promise. */
export function settled<T>(values: (T | Promise<T>)[]): T[] | Promise<T[]> {
  return values.some((value) => value instanceof Promise) ? Promise.all(values) : (values as T[]);
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
