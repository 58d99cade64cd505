import { within } from "../../errors.ts";
import type { PodRecord } from "../../store/pods.ts";
import { lostContainer } from "../container/exited.ts";
import type { PodContext } from "../context.ts";
import { containersOf } from "../filters.ts";
import { killOrphan } from "../orphans.ts";
import { detachNetwork, releaseNetwork } from "./network.ts";

/** StopPodSandbox: see PodService. */
export async function stopPodSandbox(context: PodContext, idPrefix: string): Promise<void> {
  const found = context.pods.find(idPrefix);
  if (found === undefined) return;
  await context.locks.run(found.id, () => stopLocked(context, found.id));
}

/** As stopPodSandbox, for a caller that holds the pod's lock. */
export async function stopLocked(context: PodContext, id: string): Promise<void> {
  const pod = context.pods.exact(id);
  if (pod === undefined || pod.state !== "ready") return;
  try {
    await detachNetwork(context, pod, true);
    await context.monitors.end(id);
    await endPod(context, pod, "");
  } catch (error) {
    throw within("stop pod sandbox", id, error);
  }
}

/** The pod's monitor has ended, wished for or not: its containers are dead, and what they held is given back. */
export async function endPod(context: PodContext, pod: PodRecord, reason: string): Promise<void> {
  const containers = containersOf(context, pod.id);
  // A dead monitor's containers die with it, but for processes that had left its sight.
  await Promise.all(containers.map(({ cgroup }) => context.cgroups.kill(cgroup)));
  for (const container of containers) {
    killOrphan(container);
    lostContainer(context, container);
  }
  await detachNetwork(context, pod, false);
  await releaseNetwork(context, pod);
  context.pods.update(pod.id, { state: "notready", monitorPid: 0, reason });
  context.exits.notify(pod.id);
  if (reason !== "") context.log.warn({ pod: pod.id }, `pod sandbox is not ready: ${reason}`);
}
