import { LichenError } from "../errors.ts";
import type { PodContext } from "./context.ts";

/**
 * Runs `work`, which asks a pod's monitor for something. When the monitor goes away meanwhile, the failure says what has become of the pod:
 * NOT_FOUND when it was removed, FAILED_PRECONDITION when it has ended, and UNAVAILABLE only while it lives on.
 */
export async function orPodEnd<T>(
  context: PodContext,
  sandboxId: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof LichenError) || error.code !== "UNAVAILABLE") throw error;
    // Whoever ends the pod holds its lock until that is done.
    await context.locks.run(sandboxId, async () => {});
    const pod = context.pods.exact(sandboxId);
    if (pod?.state === "ready") throw error;
    throw new LichenError({
      code: pod === undefined ? "NOT_FOUND" : "FAILED_PRECONDITION",
      operation: "reach pod sandbox",
      object: sandboxId,
      reason: pod === undefined ? "it has been removed" : `it has ended${pod.reason && `: ${pod.reason}`}`,
      cause: error,
    });
  }
}
