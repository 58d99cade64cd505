import { mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { ContainerConfig, PodSandboxConfig } from "#cri";
import { LichenError, within } from "../../errors.ts";
import { overlay } from "../../native/mounts.ts";
import type { RuntimeSpec } from "../../oci-runtime.ts";
import type { Setting } from "../../resources/limits.ts";
import type { ContainerRecord } from "../../store/containers.ts";
import type { PodRecord } from "../../store/pods.ts";
import { containerDirectory, now, type PodContext, podDirectory } from "../context.ts";
import { newId } from "../ids.ts";
import { podFiles, podHostname } from "../sandbox/files.ts";
import { buildSpec } from "../spec/build.ts";
import { requestedMounts } from "../spec/cri-mounts.ts";
import { containerPid, podNamespaces } from "../spec/namespaces.ts";
import { containerSecurity } from "../spec/security.ts";
import { stopSignal } from "../spec/stop-signal.ts";
import { containerUser } from "../spec/user.ts";
import type { ContainerImage } from "../types.ts";
import { Undo } from "../undo.ts";
import { checkContainer, prepareLog } from "./validate.ts";

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
    const plan = await planContainer(context, pod, config, sandboxConfig ?? pod.config, image);
    const { record } = plan;
    context.containers.insert(record, name);
    const undo = new Undo(context.log);
    undo.add("reserve the name", () => context.containers.delete(record.id));
    try {
      await make(context, plan, image, undo);
      return record.id;
    } catch (error) {
      await undo.run();
      throw within("create container", config.metadata?.name ?? "", error);
    }
  });
}

interface Plan {
  record: ContainerRecord;
  spec: RuntimeSpec;
  limits: Setting[];
  pid: { pid: "container" | "pod" | "node" | "target"; targetPid: number };
}

/** Decides everything about the container, and refuses what is wrong, before anything of it is made. */
async function planContainer(
  context: PodContext,
  pod: PodRecord,
  config: ContainerConfig,
  sandboxConfig: PodSandboxConfig,
  image: ContainerImage,
): Promise<Plan> {
  const id = newId();
  const security = config.linux?.securityContext ?? null;
  const resources = config.linux?.resources ?? null;
  const singleId = context.node.idMap.single;
  const namespaces = podNamespaces(pod.config.linux?.securityContext?.namespaceOptions ?? null);
  const pid = containerPid(security, namespaces);
  const user = containerUser(security, image, singleId);
  const cgroup = context.cgroups.leafPath(pod.cgroup, id);
  const limits = context.cgroups.check(resources, config.metadata?.name ?? id);
  const signal = stopSignal(config.stopSignal, image.config.StopSignal);
  const { mounts, rootfsPropagation } = await requestedMounts(config.mounts);
  const spec = buildSpec({
    config,
    image: image.config,
    hostname: podHostname(pod.config),
    user,
    security: containerSecurity(security, context.security),
    namespaces,
    pid,
    mounts,
    rootfsPropagation,
    files: podFiles(podDirectory(context, pod.id)),
    singleId,
    oomScoreAdj: resources === null ? undefined : oomScore(context, resources.oomScoreAdj),
    cgroup,
  });
  const record: ContainerRecord = {
    id,
    sandboxId: pod.id,
    state: "creating",
    createdAt: now(),
    startedAt: 0n,
    finishedAt: 0n,
    exitCode: 0,
    reason: "",
    message: "",
    pid: 0,
    // The variables are in the spec, as text; here they would only be bytes that JSON cannot hold.
    config: { ...config, envs: [] },
    image: { id: image.id, ref: image.ref },
    logPath: prepareLog(config, sandboxConfig),
    user: { uid: user.uid, gid: user.gid, supplementalGroups: user.additionalGids },
    stopSignal: signal,
    cgroup,
  };
  return { record, spec, limits, pid: { pid: pid.pid, targetPid: targetPid(context, pid.targetId, pod.id) } };
}

/** Without privilege nobody goes below the daemon's own score: a lower one is raised to it, as containerd does in a user namespace. */
function oomScore(context: PodContext, asked: number): number {
  return Math.min(Math.max(asked, context.security.oomScoreAdj), 1000);
}

function targetPid(context: PodContext, targetId: string, sandboxId: string): number {
  if (targetId === "") return 0;
  const target = context.containers.get(targetId);
  if (target.sandboxId === sandboxId && target.pid !== 0) return target.pid;
  throw new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "join PID namespace",
    object: targetId,
    reason: target.sandboxId === sandboxId ? "the target container does not run" : "it is in another pod",
  });
}

async function make(context: PodContext, plan: Plan, image: ContainerImage, undo: Undo): Promise<void> {
  const { record, spec } = plan;
  const { id, config } = record;
  undo.add("keep the image", () => context.images.release(image.id, id));
  context.images.acquire(image.id, id);

  const directory = containerDirectory(context, id);
  undo.add("make the writable layer", () => rm(directory, { recursive: true, force: true }));
  using root = await mountRoot(directory, image.lower);

  undo.add("make the cgroup", () => context.cgroups.remove(record.cgroup));
  context.cgroups.create(record.cgroup);
  context.cgroups.apply(record.cgroup, plan.limits);

  const monitor = context.monitors.get(record.sandboxId);
  undo.add("create the container", () => monitor.delete(id));
  const { oomScoreAdj } = spec.process;
  const { pid } = await monitor.create(
    {
      container: id,
      cgroup: record.cgroup,
      terminal: config.tty,
      stdin: config.stdin,
      stdinOnce: config.stdinOnce,
      log: record.logPath,
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

/**
 * The container's root as a detached mount. A read-only one is made writable as well: places to mount on may be missing in
 * the image, and the monitor makes them before it takes writing away.
 */
function mountRoot(directory: string, lower: readonly string[]) {
  const upper = join(directory, "upper");
  const work = join(directory, "work");
  mkdirSync(upper, { recursive: true, mode: 0o755 });
  mkdirSync(work, { mode: 0o700 });
  return overlay({ lower, upper, work });
}
