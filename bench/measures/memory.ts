import { pssOf } from "../support/memory.ts";
import type { Target } from "../support/target.ts";
import { endPod, type StartedPod, startPod } from "./pod-life.ts";

const registry = /serve-registry/;

/** MiB of the runtime without a pod: daemon, launcher or RootlessKit, uplink. */
export const idleMemory = (target: Target): number => pssOf(target.cgroup, registry);

/** Garbage of the calls before is no memory of a pod: runtimes collect it when they have become idle. */
const settleMilliseconds = 11_000;

/** MiB that each further pod with one sleeping container adds, everything of the runtime included. */
export async function memoryPerPod(target: Target, pods: number): Promise<number> {
  // Once before, so that what many pods leave in heaps and caches is there on both sides.
  const startAll = async () => {
    const started: StartedPod[] = [];
    for (let i = 0; i < pods; i++) started.push(await startPod(target));
    return started;
  };
  for (const pod of await startAll()) await endPod(target, pod);
  await settled();
  const before = idleMemory(target);
  const started = await startAll();
  await settled();
  const after = idleMemory(target);
  for (const pod of started) await endPod(target, pod);
  return (after - before) / pods;
}

const settled = () => new Promise((resolve) => setTimeout(resolve, settleMilliseconds));
