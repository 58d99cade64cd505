import type { Podman } from "../peers/podman.ts";
import { median } from "../support/statistics.ts";
import { images, type Target } from "../support/target.ts";
import { execSync } from "./exec.ts";
import { logThroughput } from "./logs.ts";
import { idleMemory, memoryPerPod } from "./memory.ts";
import { endPod, podLife, podsPerSecond, podUp, startPod, wholeLife } from "./pod-life.ts";
import { pull } from "./pull.ts";

/** How often each thing is measured. */
export interface Effort {
  rounds: number;
  pullRounds: number;
  pods: number;
}

/** After this long without work threads and buffers of a pull are given back. */
const idleMilliseconds = 6000;

/** One figure: its unit, and every value measured of each target. */
export interface Figure {
  unit: string;
  values: Map<string, number[]>;
}

export type Figures = Map<string, Figure>;

const figure = (
  figures: Figures,
  name: string,
  unit: string,
  target: { name: string },
  value: number,
): void => {
  const entry = figures.get(name) ?? { unit, values: new Map<string, number[]>() };
  entry.values.set(target.name, [...(entry.values.get(target.name) ?? []), value]);
  figures.set(name, entry);
};

/** Measures everything. The targets take turns within each round, so that what else the machine does hits all of them. */
export async function measureAll(
  targets: readonly Target[],
  podman: Podman | undefined,
  effort: Effort,
  progress: (text: string) => void,
): Promise<Figures> {
  const figures: Figures = new Map();
  const each = async (
    what: string,
    rounds: number,
    work: (target: Target) => Promise<void>,
    inPodman?: (peer: Podman) => Promise<void>,
  ) => {
    for (let round = 1; round <= rounds; round++) {
      progress(`${what} ${round}/${rounds}`);
      const order = round % 2 === 0 ? targets : [...targets].reverse();
      for (const target of order) await work(target);
      if (podman !== undefined) await inPodman?.(podman);
    }
  };

  progress("idle");
  await new Promise((resolve) => setTimeout(resolve, idleMilliseconds));
  for (const target of targets) figure(figures, "memory_idle", "MiB", target, idleMemory(target));
  for (const target of targets) await podLife(target);
  await each(
    "pod life",
    effort.rounds,
    async (target) => {
      const times = await podLife(target);
      figure(figures, "pod_up", "ms", target, podUp(times));
      figure(figures, "whole_life", "ms", target, wholeLife(times));
      figure(figures, "start_container", "ms", target, times.startContainer);
    },
    async (peer) => {
      const { up, whole } = await peer.life();
      figure(figures, "pod_up", "ms", peer, up);
      figure(figures, "whole_life", "ms", peer, whole);
    },
  );

  const pods = new Map<Target, Awaited<ReturnType<typeof startPod>>>();
  for (const target of targets) pods.set(target, await startPod(target));
  await podman?.start();
  await each(
    "ExecSync",
    effort.rounds * 2,
    async (target) => {
      const pod = pods.get(target)!;
      figure(figures, "exec_sync", "ms", target, await execSync(target, pod.container));
    },
    async (peer) => figure(figures, "exec_sync", "ms", peer, await peer.exec()),
  );
  await podman?.end();
  for (const [target, pod] of pods) await endPod(target, pod);

  await each("pods/s", 3, async (target) =>
    figure(figures, "pods_per_second", "1/s", target, await podsPerSecond(target, 8, effort.rounds * 2)),
  );
  await each("memory per pod", 1, async (target) =>
    figure(figures, "memory_per_pod", "MiB", target, await memoryPerPod(target, effort.pods)),
  );
  await each("log", 3, async (target) =>
    figure(figures, "log_throughput", "MB/s", target, await logThroughput(target)),
  );
  for (const compression of ["gzip", "zstd"] as const) {
    await each(
      `pull ${compression}`,
      effort.pullRounds,
      async (target) =>
        figure(figures, `pull_${compression}`, "ms", target, await pull(target, images[compression])),
      async (peer) =>
        figure(figures, `pull_${compression}`, "ms", peer, await peer.pull(images[compression])),
    );
  }
  return figures;
}

/** The median of each target, and lichen's share of containerd's. */
export function summarize({ unit, values }: Figure): Record<string, number | string> {
  const medians = Object.fromEntries([...values].map(([name, all]) => [name, median(all)]));
  const { lichen, containerd } = medians;
  const ratio = lichen !== undefined && containerd !== undefined ? { ratio: lichen / containerd } : {};
  return { unit, ...medians, ...ratio };
}
