import { within } from "../../errors.ts";
import { deleteContainer } from "../container/remove.ts";
import { type PodContext, podDirectory } from "../context.ts";
import { containersOf } from "../filters.ts";
import { removePodDirectory } from "./directory.ts";
import { releaseNetwork } from "./network.ts";
import { stopLocked } from "./stop.ts";

/** RemovePodSandbox: see PodService. */
export async function removePodSandbox(context: PodContext, idPrefix: string): Promise<void> {
  const found = context.pods.find(idPrefix);
  if (found === undefined) return;
  await context.locks.run(found.id, async () => {
    await stopLocked(context, found.id);
    const pod = context.pods.exact(found.id);
    if (pod === undefined) return;
    try {
      await Promise.all(containersOf(context, pod.id).map((one) => deleteContainer(context, one)));
      await Promise.all([
        context.cgroups.removePod(pod.cgroup, [context.cgroups.leafPath(pod.cgroup, pod.id)]),
        removePodDirectory(podDirectory(context, pod.id)),
      ]);
      await releaseNetwork(context, pod);
      context.cpuRates.forget(pod.id);
      context.usage.forget(pod.id);
      context.podSubjects.forget(pod.id);
      context.podUsages.forget(pod.id);
      context.pods.delete(pod.id);
    } catch (error) {
      throw within("remove pod sandbox", pod.id, error);
    }
  });
}
