import { NamespaceMode } from "#cri";
import type { Podman } from "../peers/podman.ts";
import { median } from "../support/statistics.ts";
import { images, type Target } from "../support/target.ts";
import { execSync } from "./exec.ts";
import { startFloor } from "./floor.ts";
import { growth } from "./growth.ts";
import { logThroughput } from "./logs.ts";
import { pollManyPods } from "./many-pods.ts";
import { idleMemory, memoryPerPod } from "./memory.ts";
import { sandboxLife } from "./network-life.ts";
import { endPod, podLife, podsPerSecond, podUp, type StartedPod, startPod, wholeLife } from "./pod-life.ts";
import { pull } from "./pull.ts";
import {
  clientStart,
  firstByte,
  manyExecs,
  portForward,
  pour,
  type StreamTools,
  sourceCommand,
} from "./streams.ts";

/** How often each thing is measured. */
export interface Effort {
  rounds: number;
  pullRounds: number;
  streamRounds: number;
  pods: number;
  /** Pods on the node while it is polled, and lives that the daemon must not grow over; measured of lichen alone. */
  many: number;
  lives: number;
}

/** After this long without work threads and buffers of a pull are given back: V8 alone keeps pages that it has freed for eight seconds more. */
const idleMilliseconds = 15_000;

const callsPolled = 200;

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

/** Runs `work` on each target for some rounds. */
type Each = (
  what: string,
  rounds: number,
  work: (target: Target) => Promise<void>,
  inPodman?: (peer: Podman) => Promise<void>,
) => Promise<void>;

interface Bench {
  targets: readonly Target[];
  podman: Podman | undefined;
  effort: Effort;
  figures: Figures;
  each: Each;
  tools: StreamTools | undefined;
}

/** What can be measured on its own, in the order in which it is. */
const parts = { idle, life, network, exec, rate, memory, log, streams, pull: pulls, many, growth: growing };
export type Part = keyof typeof parts;
export const partNames = Object.keys(parts) as Part[];

/** Measures `wanted`. The targets take turns within each round, so that what else the machine does hits all of them. */
export async function measureAll(
  bench: Omit<Bench, "figures" | "each">,
  wanted: readonly Part[],
  progress: (text: string) => void,
): Promise<Figures> {
  const { targets, podman } = bench;
  const figures: Figures = new Map();
  const each: Each = async (what, rounds, work, inPodman) => {
    for (let round = 1; round <= rounds; round++) {
      progress(`${what} ${round}/${rounds}`);
      const order = round % 2 === 0 ? targets : [...targets].reverse();
      for (const target of order) await work(target);
      if (podman !== undefined) await inPodman?.(podman);
    }
  };
  for (const name of partNames) {
    progress(name);
    if (wanted.includes(name)) await parts[name]({ ...bench, figures, each });
  }
  return figures;
}

async function idle({ targets, figures }: Bench): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, idleMilliseconds));
  for (const target of targets) figure(figures, "memory_idle", "MiB", target, idleMemory(target));
}

async function life({ targets, figures, effort, each }: Bench): Promise<void> {
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
}

/** What a network of its own adds to a pod's start, and what ending such a pod takes. Each pod is followed by one on the node's network. */
async function network({ targets, figures, effort, each }: Bench): Promise<void> {
  for (const target of targets) await sandboxLife(target, NamespaceMode.POD);
  await each(
    "pod network",
    effort.rounds,
    async (target) => {
      const own = await sandboxLife(target, NamespaceMode.POD);
      const node = await sandboxLife(target, NamespaceMode.NODE);
      figure(figures, "run_sandbox", "ms", target, own.run);
      figure(figures, "run_host_network", "ms", target, node.run);
      figure(figures, "network_cost", "ms", target, own.run - node.run);
      figure(figures, "stop_sandbox", "ms", target, own.stop);
    },
    async (peer) => {
      const own = await peer.networkLife("bridge");
      const node = await peer.networkLife("host");
      figure(figures, "network_cost", "ms", peer, own.up - node.up);
      figure(figures, "network_cost_down", "ms", peer, own.down - node.down);
    },
  );
}

async function exec({ targets, podman, figures, effort, each }: Bench): Promise<void> {
  const pods = new Map<Target, StartedPod>();
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
}

async function rate({ figures, effort, each }: Bench): Promise<void> {
  await each("pods/s", 3, async (target) =>
    figure(figures, "pods_per_second", "1/s", target, await podsPerSecond(target, 8, effort.rounds * 2)),
  );
}

async function memory({ figures, effort, each }: Bench): Promise<void> {
  await each("memory per pod", 1, async (target) =>
    figure(figures, "memory_per_pod", "MiB", target, await memoryPerPod(target, effort.pods)),
  );
}

async function log({ figures, each }: Bench): Promise<void> {
  await each("log", 3, async (target) => {
    const { throughput, cpuPerGigabyte } = await logThroughput(target);
    figure(figures, "log_throughput", "MB/s", target, throughput);
    figure(figures, "log_cpu", "s/GB", target, cpuPerGigabyte);
  });
}

/** The floor has no containers, and takes any name. */
const anyContainer = "any";

/** Everything that a client streams, with the clients of Kubernetes. */
async function streams({ targets, figures, effort, each, tools }: Bench): Promise<void> {
  const [first] = targets;
  if (tools === undefined || first === undefined) return;
  await using floor = await startFloor(first, tools);
  const pods = new Map<Target, StartedPod>();
  for (const target of targets) pods.set(target, await startPod(target, sourceCommand));
  const { streamRounds } = effort;
  await each("crictl exec", streamRounds * 5, async (target) => {
    const milliseconds = await firstByte(target, tools, pods.get(target)!.container);
    figure(figures, "exec_first_byte", "ms", target, milliseconds);
    const start = await clientStart(target, tools);
    figure(figures, "crictl_start", "ms", target, start);
    figure(figures, "exec_beyond_start", "ms", target, milliseconds - start);
    if (target === first)
      figure(figures, "exec_first_byte_floor", "ms", floor, await firstByte(floor, tools, anyContainer));
  });
  for (const protocol of ["spdy", "websocket"] as const) {
    for (const direction of ["out", "in"] as const) {
      await each(`exec ${direction} ${protocol}`, streamRounds, async (target) => {
        const { container } = pods.get(target)!;
        const speed = await pour(target, tools, container, protocol, direction);
        figure(figures, `exec_${direction}_${protocol}`, "MB/s", target, speed);
      });
    }
    await each(`port-forward ${protocol}`, streamRounds, async (target) => {
      // containerd leaves the tunnel to the kubelet.
      if (protocol === "websocket" && target.name === "containerd") return;
      const speed = await portForward(target, tools, pods.get(target)!.sandbox, protocol);
      figure(figures, `forward_${protocol}`, "MB/s", target, speed);
    });
  }
  await each("100 execs", streamRounds, async (target) => {
    figure(
      figures,
      "hundred_execs",
      "ms",
      target,
      await manyExecs(target, tools, pods.get(target)!.container),
    );
    if (target === first)
      figure(figures, "hundred_execs_floor", "ms", floor, await manyExecs(floor, tools, anyContainer));
  });
  for (const [target, pod] of pods) await endPod(target, pod);
}

async function pulls({ figures, effort, each }: Bench): Promise<void> {
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
}

/** Of lichen alone: hundreds of pods take the peers minutes. */
async function many({ targets, figures, effort }: Bench): Promise<void> {
  for (const target of targets) {
    if (target.daemon === undefined) continue;
    const polled = await pollManyPods(target, effort.many, callsPolled);
    for (const [call, milliseconds] of Object.entries(polled))
      figure(figures, `p99_${call}`, "ms", target, milliseconds);
  }
}

async function growing({ targets, figures, effort }: Bench): Promise<void> {
  for (const target of targets) {
    if (target.daemon === undefined) continue;
    const { descriptors, memoryPercent } = await growth(target, target.daemon(), effort.lives);
    figure(figures, "growth_descriptors", "", target, descriptors);
    figure(figures, "growth_memory", "%", target, memoryPercent);
  }
}

/** The median of each target, and lichen's share of containerd's. */
export function summarize({ unit, values }: Figure): Record<string, number | string> {
  const medians = Object.fromEntries([...values].map(([name, all]) => [name, median(all)]));
  const { lichen, containerd } = medians;
  const ratio = lichen !== undefined && containerd !== undefined ? { ratio: lichen / containerd } : {};
  return { unit, ...medians, ...ratio };
}
