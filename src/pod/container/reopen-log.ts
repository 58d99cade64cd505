import { LichenError, within } from "../../errors.ts";
import type { PodContext } from "../context.ts";
import { orPodEnd } from "../pod-end.ts";

/** ReopenContainerLog: see PodService. */
export async function reopenContainerLog(context: PodContext, idPrefix: string): Promise<void> {
  const { id, sandboxId, state } = context.containers.get(idPrefix);
  if (state !== "running") {
    throw new LichenError({
      code: "FAILED_PRECONDITION",
      operation: "reopen container log",
      object: id,
      reason: `the container is ${state}`,
    });
  }
  try {
    await orPodEnd(context, sandboxId, async () => context.monitors.get(sandboxId).reopenLog(id));
  } catch (error) {
    throw within("reopen container log", id, error);
  }
}
