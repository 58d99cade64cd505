import { networkUsage } from "../../resources/usage/network.ts";
import { readUsage, type Subject } from "../../resources/usage/read.ts";
import type { PodRecord } from "../../store/pods.ts";
import { containerSubject, containerUsage, nanoCores } from "../container/stats.ts";
import { now, type PodContext } from "../context.ts";
import type { ContainerRecord, PodUsage } from "../types.ts";

/** What pods and their running containers use now, all of it read at once. */
export async function podsUsage(context: PodContext, pods: readonly PodRecord[]): Promise<PodUsage[]> {
  const members = membersOf(context, pods);
  const shared = sharedCgroups(context);
  const containers = members.flat();
  const subjects = [
    ...pods.map((pod, index) => podSubject(context, pod, members[index] ?? [], shared)),
    ...containers.map(containerSubject),
  ];
  const [usages, networks] = await Promise.all([
    readUsage(context.cgroups, subjects),
    networkUsage(pods.map(({ monitorPid }) => monitorPid)),
  ]);
  const timestamp = now();
  let next = pods.length;
  return Promise.all(
    pods.map(async (pod, index) => {
      const usage = usages[index]!;
      const own = members[index] ?? [];
      const first = next;
      next += own.length;
      return {
        pod,
        timestamp,
        ...usage,
        nanoCores: nanoCores(context, pod.id, pod.createdAt, timestamp, usage),
        // A pod on the node's network has no traffic of its own.
        interfaces: pod.ips.length === 0 ? [] : (networks[index] ?? []),
        containers: await Promise.all(
          own.map((one, offset) => containerUsage(context, one, usages[first + offset]!, timestamp)),
        ),
      };
    }),
  );
}

/** The running containers of each pod. */
function membersOf(context: PodContext, pods: readonly PodRecord[]): ContainerRecord[][] {
  const members = new Map(pods.map(({ id }) => [id, [] as ContainerRecord[]]));
  for (const container of context.containers.visible()) {
    if (container.state === "running") members.get(container.sandboxId)?.push(container);
  }
  return [...members.values()];
}

/** cgroup_parents that several pods name. */
function sharedCgroups(context: PodContext): Set<string> {
  const seen = new Set<string>();
  const shared = new Set<string>();
  for (const { cgroup } of context.pods.all()) {
    if (seen.has(cgroup)) shared.add(cgroup);
    seen.add(cgroup);
  }
  return shared;
}

/** The pod's own cgroup counts its dead containers too; where that is shared with other pods, its parts are added up. */
function podSubject(
  context: PodContext,
  pod: PodRecord,
  containers: readonly ContainerRecord[],
  shared: ReadonlySet<string>,
): Subject {
  if (pod.state !== "ready") return { cgroups: [], leaves: [], pid: 0 };
  const leaves = [context.cgroups.leafPath(pod.cgroup, pod.id), ...containers.map(({ cgroup }) => cgroup)];
  return { cgroups: shared.has(pod.cgroup) ? leaves : [pod.cgroup], leaves, pid: pod.monitorPid };
}
