import type { Subject, SubjectUsage } from "../../resources/usage/read.ts";
import type { Sample } from "../../resources/usage/sampler.ts";
import type { PodRecord } from "../../store/pods.ts";
import { containerSubject, containerUsage, nanoCores, settled, unknown } from "../container/stats.ts";
import type { PodContext } from "../context.ts";
import type { ContainerRecord, ContainerUsage, PodUsage } from "../types.ts";

/** What pods and their running containers use now; of pods that are not ready nothing is told. */
export async function podsUsage(context: PodContext, pods: readonly PodRecord[]): Promise<PodUsage[]> {
  const members = membersOf(context, pods);
  const shared = sharedCgroups(context);
  // A pod and its containers beside each other, so that what they share is read once.
  const subjects: Subject[] = [];
  for (const pod of pods) {
    if (pod.state !== "ready") continue;
    const own = members.get(pod.id) ?? [];
    subjects.push(podSubject(context, pod, own, shared.has(pod.cgroup)));
    for (const container of own) subjects.push(containerSubject(container));
  }
  const samples = await context.usage.of(subjects);
  return settled(
    pods.map((pod) => {
      const ready = pod.state === "ready";
      const sampleOf = (id: string) => (ready ? samples.get(id) : undefined);
      const own = members.get(pod.id) ?? [];
      const containers = settled(own.map((one) => containerUsage(context, one, sampleOf(one.id))));
      const sample = sampleOf(pod.id);
      return containers instanceof Promise
        ? containers.then((known) => podUsage(context, pod, sample, known))
        : podUsage(context, pod, sample, containers);
    }),
  );
}

/** The same object again while nothing of it has changed. */
function podUsage(
  context: PodContext,
  pod: PodRecord,
  sample: Sample<SubjectUsage> | undefined,
  containers: ContainerUsage[],
): PodUsage {
  return context.podUsages.of(pod.id, [pod, sample, ...containers], () => {
    const { usage, at } = sample ?? unknown();
    const rate = nanoCores(context, pod.id, pod.createdAt, at, usage);
    return { pod, timestamp: at, ...usage, nanoCores: rate, containers };
  });
}

/** The running containers of each pod. */
function membersOf(context: PodContext, pods: readonly PodRecord[]): Map<string, ContainerRecord[]> {
  const members = new Map(pods.map(({ id }) => [id, [] as ContainerRecord[]]));
  for (const container of context.containers.visible()) {
    if (container.state === "running") members.get(container.sandboxId)?.push(container);
  }
  return members;
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

/**
 * Where a pod's usage is read. Its own cgroup counts its dead containers too; where that is `shared` with other pods, its parts are added up.
 * Another object when its containers are others.
 */
function podSubject(
  context: PodContext,
  pod: PodRecord,
  containers: readonly ContainerRecord[],
  shared: boolean,
): Subject {
  return context.podSubjects.of(pod.id, [pod, shared, ...containers], () => {
    const leaves = [context.cgroups.leafPath(pod.cgroup, pod.id), ...containers.map(({ cgroup }) => cgroup)];
    const cgroups = shared ? leaves : [pod.cgroup];
    // A pod on the node's network has no traffic of its own.
    const network = pod.ips.length === 0 ? 0 : pod.monitorPid;
    return { key: pod.id, cgroups, leaves, pid: pod.monitorPid, network };
  });
}
