import { pssOf } from "../support/memory.ts";
import type { Target } from "../support/target.ts";
import { endPod, type StartedPod, startPod } from "./pod-life.ts";

const registry = /serve-registry/;

/** MiB of the runtime without a pod: daemon, launcher or RootlessKit, uplink. */
export const idleMemory = (target: Target): number => pssOf(target.cgroup, registry);

/** MiB that each further pod with one sleeping container adds, everything of the runtime included. */
export async function memoryPerPod(target: Target, pods: number): Promise<number> {
  const before = idleMemory(target);
  const started: StartedPod[] = [];
  for (let i = 0; i < pods; i++) started.push(await startPod(target));
  const after = idleMemory(target);
  for (const pod of started) await endPod(target, pod);
  return (after - before) / pods;
}
