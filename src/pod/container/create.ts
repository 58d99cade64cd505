import { chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ContainerConfig, PodSandboxConfig } from "#cri";
import { within } from "../../errors.ts";
import { removeDirectory } from "../../native/layer.ts";
import { overlay } from "../../native/mounts.ts";
import { labelTree } from "../../native/security.ts";
import { containerDirectory, now, type PodContext, podDirectory, upperDirectory } from "../context.ts";
import { podFiles } from "../sandbox/files.ts";
import { relabel } from "../spec/selinux.ts";
import { rootOf } from "../spec/user-namespace.ts";
import type { ContainerImage } from "../types.ts";
import { Undo } from "../undo.ts";
import { type ContainerPlan, emptyDirectory, planContainer } from "./plan.ts";
import { checkContainer } from "./validate.ts";

/** CreateContainer: see PodService. */
export async function createContainer(
  context: PodContext,
  sandboxPrefix: string,
  config: ContainerConfig,
  sandboxConfig: PodSandboxConfig | null,
  image: ContainerImage,
): Promise<string> {
  const { id: sandboxId } = context.pods.get(sandboxPrefix);
  return context.locks.run(sandboxId, async () => {
    const pod = context.pods.get(sandboxId);
    const name = checkContainer(pod, config);
    const undo = new Undo(context.log);
    try {
      const plan = await planContainer(context, pod, config, sandboxConfig ?? pod.config, image, undo);
      const { id } = plan.record;
      context.containers.insert(plan.record, name);
      undo.add("reserve the name", () => context.containers.delete(id));
      await make(context, plan, image, undo);
      return id;
    } catch (error) {
      await undo.run();
      throw within("create container", config.metadata?.name ?? "", error);
    }
  });
}

async function make(
  context: PodContext,
  plan: ContainerPlan,
  image: ContainerImage,
  undo: Undo,
): Promise<void> {
  const { record, spec } = plan;
  const { id, config } = record;
  undo.add("keep the image", () => context.images.release(image.id, id));
  context.images.acquire(image.id, id);

  await relabel(plan.relabel, plan.selinux);
  undo.add("make the writable layer", () => removeDirectory(containerDirectory(context, id)));
  const lower = plan.idMap ? await context.images.shiftedLower(image.id, id, plan.idMap) : image.lower;
  if (plan.selinux.files !== undefined) await prepareLabelled(context, plan, plan.selinux.files);
  using root = await mountRoot(context, id, lower, plan.idMap && rootOf(plan.idMap), plan.selinux.files);

  undo.add("make the cgroup", () => context.cgroups.remove(record.cgroup));
  context.cgroups.create(record.cgroup);
  context.cgroups.apply(record.cgroup, plan.limits);

  const monitor = context.monitors.get(record.sandboxId);
  undo.add("create the container", () => monitor.delete(id));
  const { oomScoreAdj } = spec.process;
  const { pid } = await monitor.create(
    {
      container: id,
      ...context.cgroups.forMonitor(record.cgroup),
      terminal: config.tty,
      stdin: config.stdin,
      stdinOnce: config.stdinOnce,
      log: record.logPath,
      ...context.logLimits,
      ...plan.pid,
      ...(oomScoreAdj === undefined ? {} : { oomScoreAdj }),
    },
    spec,
    root,
    context.seccompFilters,
  );
  context.containers.update(id, { state: "created", pid, createdAt: now() }, (created) =>
    context.containerStore.updateWithSpec(created, JSON.stringify(spec)),
  );
}

/** What a container with labels is shown of its pod, labelled like the container, and what `labelledMounts` counts on. */
async function prepareLabelled(context: PodContext, { record }: ContainerPlan, label: string) {
  mkdirSync(emptyDirectory(context, record.id), { recursive: true });
  for (const file of Object.values(podFiles(podDirectory(context, record.sandboxId)))) {
    await labelTree(file, label);
  }
}

/**
 * The container's root as a detached mount, which belongs to `owner`. A read-only one is made writable as well: places to mount on may be missing in
 * the image, and the monitor makes them before it takes writing away.
 */
function mountRoot(
  context: PodContext,
  containerId: string,
  lower: readonly string[],
  owner: { uid: number; gid: number } | undefined,
  label: string | undefined,
) {
  const upper = upperDirectory(context, containerId);
  const work = join(containerDirectory(context, containerId), "work");
  mkdirSync(upper, { recursive: true, mode: 0o755 });
  mkdirSync(work, { mode: 0o700 });
  if (owner !== undefined) chownSync(upper, owner.uid, owner.gid);
  return overlay({ lower, upper, work, ...(label === undefined ? {} : { context: label }) });
}
