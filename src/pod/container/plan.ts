import { join } from "node:path";
import type { ContainerConfig, PodSandboxConfig } from "#cri";
import { LichenError } from "../../errors.ts";
import type { IdMap } from "../../native/id-map.ts";
import type { RuntimeSpec } from "../../oci-runtime.ts";
import type { Setting } from "../../resources/limits.ts";
import type { SelinuxLabels } from "../../security/selinux.ts";
import type { ContainerRecord } from "../../store/containers.ts";
import type { PodRecord } from "../../store/pods.ts";
import { containerDirectory, now, type PodContext, podDirectory } from "../context.ts";
import { newId } from "../ids.ts";
import { podFiles, podHostname } from "../sandbox/files.ts";
import { buildSpec } from "../spec/build.ts";
import { requestedMounts } from "../spec/cri-mounts.ts";
import { containerPid, podNamespaces } from "../spec/namespaces.ts";
import { containerSecurity } from "../spec/security.ts";
import { type RelabelRequest, relabelRequests } from "../spec/selinux.ts";
import { stopSignal } from "../spec/stop-signal.ts";
import { containerUser } from "../spec/user.ts";
import { podIdMap, requireSameIdMap } from "../spec/user-namespace.ts";
import type { ContainerImage } from "../types.ts";
import type { Undo } from "../undo.ts";
import { prepareLog } from "./validate.ts";
import { holdVolumeImages, mountsWithDigests } from "./volume-images.ts";

/** Everything about a container that is to be made. */
export interface ContainerPlan {
  record: ContainerRecord;
  spec: RuntimeSpec;
  limits: Setting[];
  pid: { pid: "container" | "pod" | "node" | "target"; targetPid: number };
  /** Of the pod's own user namespace. */
  idMap: IdMap | undefined;
  selinux: SelinuxLabels;
  relabel: RelabelRequest[];
}

/**
 * Decides everything about the container, and refuses what is wrong, before anything of it is made but for host paths and log
 * directories that do not exist yet.
 */
export async function planContainer(
  context: PodContext,
  pod: PodRecord,
  config: ContainerConfig,
  sandboxConfig: PodSandboxConfig,
  image: ContainerImage,
  undo: Undo,
): Promise<ContainerPlan> {
  const id = newId();
  const security = config.linux?.securityContext ?? null;
  const resources = config.linux?.resources ?? null;
  const singleId = context.node.idMap.single;
  const podOptions = pod.config.linux?.securityContext?.namespaceOptions ?? null;
  const namespaces = podNamespaces(podOptions);
  const idMap = podIdMap(podOptions);
  requireSameIdMap(security?.namespaceOptions ?? null, podOptions);
  const pid = containerPid(security, namespaces);
  const user = containerUser(security, image, context.node.idMap, idMap);
  const cgroup = context.cgroups.leafPath(pod.cgroup, id);
  const limits = context.cgroups.check(resources, config.metadata?.name ?? id, cgroup);
  const signal = stopSignal(config.stopSignal, image.config.StopSignal);
  const target = targetPid(context, pid.targetId, pod.id);
  const checkedSecurity = containerSecurity(
    security,
    context.security,
    pod.config.linux?.securityContext?.selinuxOptions,
  );
  const imageLayers = await holdVolumeImages(context, id, image, idMap, undo);
  const { mounts, rootfsPropagation } = await requestedMounts(config.mounts, undo, idMap, imageLayers);
  const spec = buildSpec({
    config,
    image: image.config,
    hostname: podHostname(pod.config),
    user,
    security: checkedSecurity,
    namespaces,
    pid,
    mounts,
    rootfsPropagation,
    files: podFiles(podDirectory(context, pod.id)),
    singleId,
    idMap,
    rlimits: context.rlimits,
    oomScoreAdj: resources === null ? undefined : oomScore(context, resources.oomScoreAdj),
    cgroup,
    emptyDirectory: emptyDirectory(context, id),
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
    config: { ...config, envs: [], mounts: mountsWithDigests(config.mounts, image) },
    image: { id: image.id, ref: image.ref },
    ...(image.volumes ? { volumeImages: [...image.volumes.values()].map((volume) => volume.id) } : {}),
    logPath: prepareLog(config, sandboxConfig),
    user: { uid: user.uid, gid: user.gid, supplementalGroups: user.additionalGids },
    stopSignal: signal,
    cgroup,
  };
  return {
    record,
    spec,
    limits,
    pid: { pid: pid.pid, targetPid: target },
    idMap,
    selinux: checkedSecurity.selinux,
    relabel: relabelRequests(config.mounts, mounts),
  };
}

/** Where a container with labels has a directory with nothing in it. */
export const emptyDirectory = (context: PodContext, id: string): string =>
  join(containerDirectory(context, id), "empty");

/** Without privilege nobody goes below the daemon's own score: a lower one is raised to it, as containerd does in a user namespace. */
export function oomScore(context: PodContext, asked: number): number {
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
