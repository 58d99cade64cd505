import type { LinuxContainerResources } from "#cri";
import { LichenError, within } from "../../errors.ts";
import { mergeResources } from "../../resources/merge.ts";
import type { PodContext } from "../context.ts";

/** What UpdatePodSandboxResources asks for. */
export interface PodResources {
  overhead: LinuxContainerResources | null;
  resources: LinuxContainerResources | null;
}

/** UpdatePodSandboxResources: see PodService. */
export async function updatePodSandbox(
  context: PodContext,
  idPrefix: string,
  change: PodResources,
): Promise<void> {
  const { id } = context.pods.get(idPrefix);
  await context.locks.run(id, async () => {
    const pod = context.pods.get(id);
    if (pod.state !== "ready") {
      throw new LichenError({
        code: "FAILED_PRECONDITION",
        operation: "update pod sandbox resources",
        object: id,
        reason: "the pod sandbox is not ready",
      });
    }
    const { linux } = pod.config;
    const merged = (part: keyof PodResources) =>
      change[part] === null ? (linux?.[part] ?? null) : mergeResources(linux?.[part] ?? null, change[part]);
    const resources = merged("resources");
    try {
      // A cgroup_parent belongs to the caller, who has set it before it tells of it (api.proto).
      if (context.cgroups.isOwn(pod.cgroup) || pod.cgroup === "") {
        const settings = context.cgroups.check(resources, pod.config.metadata?.name ?? id, pod.cgroup);
        context.cgroups.update(pod.cgroup, settings);
      }
    } catch (error) {
      throw within("update pod sandbox resources", id, error);
    }
    const base = linux ?? { cgroupParent: "", securityContext: null, sysctls: {} };
    const updated = { ...base, overhead: merged("overhead"), resources };
    context.pods.update(id, { config: { ...pod.config, linux: updated } });
  });
}
