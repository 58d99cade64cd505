import {
  type ContainerFilter,
  ContainerState,
  type ContainerStatsFilter,
  type PodSandboxFilter,
  PodSandboxState,
  type PodSandboxStatsFilter,
} from "#cri";
import type { ContainerRecord, ContainerState as RecordState } from "../store/containers.ts";
import type { PodRecord } from "../store/pods.ts";
import type { PodContext } from "./context.ts";

/** The containers of a pod, those being made included. */
export function containersOf(context: PodContext, sandboxId: string): ContainerRecord[] {
  return context.containers.all().filter((container) => container.sandboxId === sandboxId);
}

/** The pods that pass the filter; an empty filter lets all pass, an id may be a unique prefix. Newest first. */
export function filterPods(
  context: PodContext,
  filter: PodSandboxFilter | PodSandboxStatsFilter | null,
): PodRecord[] {
  const ids = idFilter(filter?.id, context.pods);
  const wanted = filter !== null && "state" in filter ? filter.state : null;
  const ready = wanted?.state === PodSandboxState.SANDBOX_READY;
  return newestFirst(
    context.pods
      .visible()
      .filter((pod) => ids(pod.id))
      .filter((pod) => !wanted || (pod.state === "ready") === ready)
      .filter((pod) => hasLabels(pod.config.labels, filter?.labelSelector)),
  );
}

const states: Record<RecordState, ContainerState | undefined> = {
  creating: undefined,
  created: ContainerState.CONTAINER_CREATED,
  running: ContainerState.CONTAINER_RUNNING,
  exited: ContainerState.CONTAINER_EXITED,
};

/** The containers that pass the filter. Newest first. */
export function filterContainers(
  context: PodContext,
  filter: ContainerFilter | ContainerStatsFilter | null,
): ContainerRecord[] {
  const ids = idFilter(filter?.id, context.containers);
  const sandboxes = idFilter(filter?.podSandboxId, context.pods);
  const state = filter !== null && "state" in filter ? filter.state?.state : undefined;
  return newestFirst(
    context.containers
      .visible()
      .filter((container) => ids(container.id) && sandboxes(container.sandboxId))
      .filter((container) => state === undefined || states[container.state] === state)
      .filter((container) => hasLabels(container.config.labels, filter?.labelSelector)),
  );
}

function idFilter(
  prefix: string | undefined,
  registry: { find(prefix: string): { id: string } | undefined },
): (id: string) => boolean {
  if (prefix === undefined || prefix === "") return () => true;
  const found = registry.find(prefix)?.id;
  return (id) => id === found;
}

function hasLabels(labels: Record<string, string>, selector: Record<string, string> | undefined): boolean {
  if (selector === undefined) return true;
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

function newestFirst<R extends { createdAt: bigint }>(records: R[]): R[] {
  // Compared, not subtracted: each difference would be an object of its own.
  return records.sort((one, other) =>
    one.createdAt < other.createdAt ? 1 : one.createdAt > other.createdAt ? -1 : 0,
  );
}
