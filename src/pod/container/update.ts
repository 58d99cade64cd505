import type { LinuxContainerResources } from "#cri";
import { LichenError, within } from "../../errors.ts";
import { mergeResources } from "../../resources/merge.ts";
import type { FileWrite } from "../../resources/write-all.ts";
import type { ContainerRecord } from "../../store/containers.ts";
import type { PodContext } from "../context.ts";
import { oomScore } from "./plan.ts";

/** UpdateContainerResources: see PodService. */
export async function updateContainer(
  context: PodContext,
  idPrefix: string,
  change: LinuxContainerResources,
): Promise<void> {
  const { id } = context.containers.get(idPrefix);
  await context.locks.run(id, async () => {
    const container = context.containers.get(id);
    if (container.state === "exited") {
      throw new LichenError({
        code: "FAILED_PRECONDITION",
        operation: "update container resources",
        object: id,
        reason: "the container has exited",
      });
    }
    try {
      update(context, container, change);
    } catch (error) {
      throw within("update container resources", id, error);
    }
  });
}

/** Without a pause: nothing can come between the kernel's files and the record. */
function update(context: PodContext, container: ContainerRecord, change: LinuxContainerResources): void {
  const { id, config, cgroup } = container;
  const resources = mergeResources(config.linux?.resources ?? null, change);
  const settings = context.cgroups.check(resources, config.metadata?.name ?? id, cgroup);
  context.cgroups.update(cgroup, settings, scoreWrites(context, container, change.oomScoreAdj));
  const linux = { securityContext: null, ...config.linux, resources };
  context.containers.update(id, { config: { ...config, linux } });
}

/** For every process that the container has now: children inherit it. */
function scoreWrites(context: PodContext, container: ContainerRecord, asked: number): FileWrite[] {
  if (asked === 0 || asked === container.config.linux?.resources?.oomScoreAdj) return [];
  const listed = context.cgroups.read(container.cgroup, "cgroup.procs")?.split("\n").filter(Boolean);
  const value = String(oomScore(context, asked));
  return (listed ?? [String(container.pid)]).map((pid) => ({
    path: `/proc/${pid}/oom_score_adj`,
    value,
    asked: "oom_score_adj",
  }));
}
