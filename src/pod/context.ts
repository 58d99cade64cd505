import { join } from "node:path";
import type { SeccompFilters } from "../native/seccomp-filters.ts";
import type { NetworkDriver } from "../network/driver.ts";
import type { HostPorts } from "../network/host-ports.ts";
import type { RuntimeRlimit } from "../oci-runtime.ts";
import type { Cgroups } from "../resources/cgroups.ts";
import type { DiskUsageCache } from "../resources/disk-usage.ts";
import type { CpuRates } from "../resources/usage/rates.ts";
import type { Subject, SubjectUsage } from "../resources/usage/read.ts";
import type { Sampler } from "../resources/usage/sampler.ts";
import type { ContainerRecord, ContainerStore } from "../store/containers.ts";
import type { PodRecord } from "../store/pods.ts";
import type { LifeEvents } from "./events.ts";
import type { Exits } from "./exits.ts";
import { shortId } from "./ids.ts";
import type { KeyedMutex } from "./keyed-mutex.ts";
import type { LastMade } from "./last-made.ts";
import type { Monitors } from "./monitors.ts";
import type { Registry } from "./registry.ts";
import type { NodeSecurity } from "./spec/security.ts";
import type { Attachments } from "./streams/attachments.ts";
import type { ContainerUsage, ImageUse, Log, NodeInfo, PodUsage } from "./types.ts";

/** What every operation on pods and containers works with. */
export interface PodContext {
  readonly pods: Registry<PodRecord>;
  readonly containers: Registry<ContainerRecord>;
  readonly containerStore: ContainerStore;
  readonly monitors: Monitors;
  /** Ends of containers, and of pods, by their id. */
  readonly exits: Exits;
  readonly events: LifeEvents;
  readonly attachments: Attachments;
  /** Whether and when the containers' logs are rotated here; see monitor-wire's CreateRequest. */
  readonly logLimits: { readonly logMaxSize: number; readonly logMaxFiles: number };
  /** By container: entries that its log lacks, for want of room. Only of those that lack some. */
  readonly logLost: Map<string, number>;
  readonly streams: { readonly execGraceMs: number };
  /** One operation at a time on a pod; containers have their own keys, so that stopping one does not hold up another. */
  readonly locks: KeyedMutex;
  readonly networks: { readonly pod: NetworkDriver; readonly node: NetworkDriver };
  readonly hostPorts: HostPorts;
  readonly cgroups: Cgroups;
  /** What the containers' writable layers take. */
  readonly layerUsage: DiskUsageCache;
  /** What pods and containers use, by their ids. */
  readonly usage: Sampler<Subject, SubjectUsage>;
  readonly cpuRates: CpuRates;
  readonly podSubjects: LastMade<Subject>;
  /** What was last told of them. */
  readonly podUsages: LastMade<PodUsage>;
  readonly containerUsages: LastMade<ContainerUsage>;
  readonly security: NodeSecurity;
  /** Of every container. */
  readonly rlimits: readonly RuntimeRlimit[];
  readonly seccompFilters: SeccompFilters;
  readonly images: ImageUse;
  readonly node: NodeInfo;
  readonly runtimeDir: string;
  readonly dataDir: string;
  readonly log: Log;
}

/** A pod's directory in the runtime directory: its monitor's socket, exit records, and the files its containers share. */
export function podDirectory(context: Pick<PodContext, "runtimeDir">, sandboxId: string): string {
  return join(context.runtimeDir, "pods", shortId(sandboxId));
}

/** A container's directory: its writable layer. */
export function containerDirectory(context: Pick<PodContext, "dataDir">, containerId: string): string {
  return `${context.dataDir}/containers/${containerId}`;
}

/** Where the changes go that a container makes to its image's files. */
export function upperDirectory(context: Pick<PodContext, "dataDir">, containerId: string): string {
  return `${containerDirectory(context, containerId)}/upper`;
}

/** The present time in nanoseconds since the epoch, to the millisecond. */
export function now(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
