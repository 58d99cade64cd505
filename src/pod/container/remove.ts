import { rm } from "node:fs/promises";
import { join } from "node:path";
import { LichenError, within } from "../../errors.ts";
import { removeDirectory } from "../../native/layer.ts";
import type { ContainerRecord } from "../../store/containers.ts";
import { containerDirectory, type PodContext, podDirectory, upperDirectory } from "../context.ts";
import { killContainer } from "./stop.ts";

/** RemoveContainer: see PodService. */
export async function removeContainer(context: PodContext, idPrefix: string): Promise<void> {
  const found = context.containers.find(idPrefix);
  if (found === undefined) return;
  await context.locks.run(found.id, async () => {
    const container = context.containers.exact(found.id);
    if (container === undefined) return;
    try {
      if (container.state === "running") await killContainer(context, container);
      await deleteContainer(context, container);
    } catch (error) {
      throw within("remove container", found.id, error);
    }
  });
}

/** Removes what is left of a container that does not run, its record last: what fails midway can be done again. */
export async function deleteContainer(context: PodContext, container: ContainerRecord): Promise<void> {
  const { id, sandboxId } = container;
  await forgetInMonitor(context, container);
  await Promise.all([
    context.cgroups.remove(container.cgroup),
    removeDirectory(containerDirectory(context, id)),
    rm(join(podDirectory(context, sandboxId), "exits", id), { force: true }),
  ]);
  context.layerUsage.forget(upperDirectory(context, id));
  context.cpuRates.forget(id);
  context.logLost.delete(id);
  context.usage.forget(id);
  context.containerUsages.forget(id);
  for (const image of [container.image.id, ...(container.volumeImages ?? [])])
    context.images.release(image, id);
  context.containers.delete(id);
  context.exits.notify(id);
}

async function forgetInMonitor(context: PodContext, { id, sandboxId }: ContainerRecord): Promise<void> {
  if (context.pods.exact(sandboxId)?.state !== "ready") return;
  try {
    await context.monitors.get(sandboxId).delete(id);
  } catch (error) {
    // A dead monitor has forgotten everything.
    if (!(error instanceof LichenError) || error.code !== "UNAVAILABLE") throw error;
  }
}
