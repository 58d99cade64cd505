import { percentile, timed } from "../support/statistics.ts";
import type { Target } from "../support/target.ts";
import { endPod, type StartedPod, startPod } from "./pod-life.ts";

/** The calls that a kubelet makes again and again, whatever the number of pods. */
export const polled = [
  "listPodSandbox",
  "listContainers",
  "listContainerStats",
  "listPodSandboxStats",
] as const;
export type Polled = (typeof polled)[number];

/** Milliseconds that 99 of 100 calls of each kind stay below, with so many pods of one container on the node. */
export async function pollManyPods(
  target: Target,
  pods: number,
  calls: number,
): Promise<Record<Polled, number>> {
  const started: StartedPod[] = [];
  while (started.length < pods) {
    // Several at once, as fast as they come; one client's connection is enough.
    const batch = Array.from({ length: Math.min(8, pods - started.length) }, () => startPod(target));
    started.push(...(await Promise.all(batch)));
  }
  try {
    const results: Partial<Record<Polled, number>> = {};
    for (const call of polled) results[call] = await poll(target, call, calls);
    return results as Record<Polled, number>;
  } finally {
    while (started.length > 0) await Promise.all(started.splice(0, 8).map((pod) => endPod(target, pod)));
  }
}

async function poll(target: Target, call: Polled, calls: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < calls; i++) {
    const [milliseconds] = await timed<unknown>(() => target.client[call]({}));
    times.push(milliseconds);
    // A kubelet asks once a second or less often; the machine may rest between calls.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return percentile(times, 99);
}
