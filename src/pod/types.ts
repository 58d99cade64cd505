import type { DatabaseSync } from "node:sqlite";
import type { NodeReport } from "../config/node-report.ts";
import type { IdMap } from "../native/id-map.ts";
import type { PodNetworkConfig } from "../network/open.ts";
import type { OpenSocket } from "../network/port-sockets.ts";
import type { MeasuredUsage } from "../resources/disk-usage.ts";
import type { InterfaceUsage, Usage } from "../resources/usage/types.ts";
import type { ContainerRecord } from "../store/containers.ts";
import type { PodRecord } from "../store/pods.ts";

export type * from "../resources/usage/types.ts";
export type { ContainerRecord } from "../store/containers.ts";

/** What of node.json concerns pods: the namespaces that this daemon lives in. */
export interface NodeInfo extends Pick<NodeReport, "uid" | "idMap"> {
  uplink: Omit<NodeReport["uplink"], "interface" | "down">;
  cgroup: Omit<NodeReport["cgroup"], "hostPath">;
}

/** The part of the configuration that concerns pods. */
export interface PodServiceConfig {
  network: PodNetworkConfig & {
    /** The pods' subnet (`10.210.0.0/16`); another one beside it is taken when the uplink's overlaps. */
    subnet: string;
    /** Whether pods have IPv6 addresses too, and of which /64; without one the node chooses its own. */
    ipv6: boolean;
    subnet6?: string | undefined;
    isolate_pods: boolean;
  };
  containers: {
    /** By name, "SOFT:HARD" or one number for both. */
    rlimits: Readonly<Record<string, string | undefined>>;
  };
  cgroups: {
    /** A limit that cannot be enforced: refuse the container, or start it with a condition and a log line. */
    missing: "refuse" | "warn";
    driver: "auto" | "cgroupfs" | "systemd";
  };
  logs: {
    /** Bytes at which a container's log is rotated; 0: never. */
    max_size: number;
    /** So many files are kept then, the one that is written to counted. */
    max_files: number;
  };
  streaming: {
    /** How long a command goes on whose client has gone. */
    exec_grace_seconds: number;
  };
}

/** Keeps images that containers use from being removed. */
export interface ImageUse {
  acquire(imageId: string, user: string): void;
  release(imageId: string, user: string): void;
  /** The layers' directories, topmost first, with the owners that they have under an id map; kept until released. */
  shiftedLower(imageId: string, user: string, map: IdMap): Promise<string[]>;
}

/** The logger, as pino has it: fields first, then what happened in words. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface PodServiceOptions {
  /** The state database; a connection that is not durable is right, since no pod outlives a power cut. */
  database: DatabaseSync;
  runtimeDir: string;
  dataDir: string;
  node: NodeInfo;
  config: PodServiceConfig;
  images: ImageUse;
  /** Opens a socket in the host's network, for host ports. */
  openOnHost: OpenSocket;
  log: Log;
}

/** The image of a container to be made: what the image service knows, so that rooms need not know each other. */
export interface ContainerImage {
  /** `sha256:<config digest>`. */
  id: string;
  /** Repository digest, or the id when it has none. */
  ref: string;
  /** Unpacked layers, topmost first. */
  lower: string[];
  config: ImageConfig;
  /** The images that its mounts name, by what they call them. */
  volumes?: ReadonlyMap<string, VolumeImage>;
}

/** An image that a container has as a volume. */
export type VolumeImage = Pick<ContainerImage, "id" | "ref" | "lower">;

/** The members of an OCI image configuration's `config` object that decide how a container starts. */
export interface ImageConfig {
  User?: string | undefined;
  Env?: string[] | null | undefined;
  Entrypoint?: string[] | null | undefined;
  Cmd?: string[] | null | undefined;
  WorkingDir?: string | undefined;
  StopSignal?: string | undefined;
  Volumes?: Record<string, unknown> | null | undefined;
}

/** Something about the node that a person should know: shown by Status and `lichen doctor`. */
export interface Condition {
  /** `NetworkReady`, or a name of our own such as `LimitsNotEnforced`. */
  type: string;
  ok: boolean;
  /** One CamelCase word; "" when ok. */
  reason: string;
  message: string;
}

export interface ExecResult {
  stdout: Buffer;
  stderr: Buffer;
  exitCode: number;
}

export interface LayerUsage extends MeasuredUsage {
  mountpoint: string;
}

/** Usage of one container; a part is undefined when nothing in the kernel tells it. */
export interface ContainerUsage extends Usage {
  container: ContainerRecord;
  /** Nanoseconds since the epoch. */
  timestamp: bigint;
  /** CPU nanoseconds a second, of late. */
  nanoCores: bigint | undefined;
  writableLayer: LayerUsage | undefined;
  /** Entries that its log lacks, for want of room on the disk. */
  logLost: number;
}

/** Usage of a pod, its monitor included, and of each container that runs in it. */
export interface PodUsage extends Usage {
  pod: PodRecord;
  /** Nanoseconds since the epoch. */
  timestamp: bigint;
  nanoCores: bigint | undefined;
  /** Its network interfaces, the one with the default route first; none on the node's network. */
  interfaces: InterfaceUsage[];
  containers: ContainerUsage[];
}
