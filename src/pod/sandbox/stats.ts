import type { Subject } from "../../resources/usage/read.ts";
import type { PodRecord } from "../../store/pods.ts";
import { containerSubject, containerUsage, nanoCores, settled, unknown } from "../container/stats.ts";
import type { PodContext } from "../context.ts";
import type { ContainerRecord, ContainerUsage, PodUsage } from "../types.ts";

/** What pods and their running containers use now; of pods that are not ready nothing is told. */
export async function podsUsage(context: PodContext, pods: readonly PodRecord[]): Promise<PodUsage[]> {
  const members = membersOf(context, pods);
  const shared = sharedCgroups(context);
  // A pod and its containers beside each other, so that what they share is read once.
  const subjects = pods.flatMap((pod, index) => {
    const own = members[index] ?? [];
    if (pod.state !== "ready") return [];
    return [podSubject(context, pod, own, shared), ...own.map(containerSubject)];
  });
  const samples = await context.usage.of(subjects);
  return settled(
    pods.map((pod, index) => {
      const sample = samples.get(pod.id);
      const whole = (containers: ContainerUsage[]): PodUsage =>
        context.podUsages.of(pod.id, [pod, sample, ...containers], () => {
          const { usage, at } = sample ?? unknown();
          const rate = nanoCores(context, pod.id, pod.createdAt, at, usage);
          return { pod, timestamp: at, ...usage, nanoCores: rate, containers };
        });
      const own = members[index] ?? [];
      const containers = settled(own.map((one) => containerUsage(context, one, samples.get(one.id))));
      return containers instanceof Promise ? containers.then(whole) : whole(containers);
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
): [string, Subject] {
  const leaves = [context.cgroups.leafPath(pod.cgroup, pod.id), ...containers.map(({ cgroup }) => cgroup)];
  const cgroups = shared.has(pod.cgroup) ? leaves : [pod.cgroup];
  // A pod on the node's network has no traffic of its own.
  const network = pod.ips.length === 0 ? 0 : pod.monitorPid;
  return [pod.id, { cgroups, leaves, pid: pod.monitorPid, network }];
}
