// The wire form of native/monitor/PROTOCOL.md, version 1.

import type { IdExtent, IdMap } from "./id-map.ts";

export const PROTOCOL_VERSION = 1;

/** How the pod's namespaces are to be; see PROTOCOL.md. */
export interface PodSetup {
  /** "" keeps the node's. */
  hostname: string;
  network: "pod" | "node";
  ipc: "pod" | "node";
  pid: "container" | "pod" | "node";
  sysctls: Record<string, string>;
  shmSize: number;
  /** Directory of the systemd scope that the monitor was moved into. */
  scope?: string;
  interface: PodInterface | null;
  /** Of the pod's own user namespace; without one it is in the node's. */
  user?: { uids: WireExtent[]; gids: WireExtent[] };
}

export interface WireExtent {
  inside: number;
  outside: number;
  count: number;
}

/** An id map as `PodSetup.user` has it. */
export function userSetup(map: IdMap): { uids: WireExtent[]; gids: WireExtent[] } {
  const extents = (list: readonly IdExtent[]) =>
    list.map(([inside, outside, count]) => ({ inside, outside, count }));
  return { uids: extents(map.uids), gids: extents(map.gids) };
}

export interface PodInterface {
  bridge: string;
  /** Name of the veth's end in the node's namespace. */
  host: string;
  name: string;
  /** With prefix length. */
  addresses: string[];
  gateways: string[];
  mtu: number;
  /** From other isolated pods on the bridge. */
  isolated?: boolean;
  /** Bits a second to and from the pod; 0 or absent: no limit. */
  ingressBits?: number;
  egressBits?: number;
}

export interface CreateRequest {
  container: string;
  /** Directory under `cgroupRoot`, or "". */
  cgroup: string;
  /** /sys/fs/cgroup when absent. */
  cgroupRoot?: string;
  terminal: boolean;
  stdin: boolean;
  stdinOnce: boolean;
  /** Path of the CRI log, or "" for none. */
  log: string;
  /** Bytes at which the log is rotated; 0 or absent: never. */
  logMaxSize?: number;
  /** So many files are kept then, the one that is written to counted. */
  logMaxFiles?: number;
  pid: "container" | "pod" | "node" | "target";
  targetPid: number;
  oomScoreAdj?: number;
}

export interface ExecRequest {
  container: string;
  exec: string;
  terminal: boolean;
  /** 0 for none. */
  timeoutMs: number;
  /** How long it may go on when nobody attends it any more; 5000 when absent. */
  graceMs?: number;
  cols: number;
  rows: number;
}

/** Times on the wire are decimal strings: nanoseconds since the epoch. */
export interface ContainerState {
  container: string;
  state: "created" | "running" | "exited";
  pid: number;
  createdAt: string;
  startedAt: string;
  finishedAt: string;
  code: number;
  signal: number;
  oom: boolean;
  /** Entries that its log lacks, for want of room. */
  logLost: number;
}

export interface HelloReply {
  version: number;
  pid: number;
  pod: string;
  /** Whether `setup` has succeeded. */
  ready: boolean;
  /** PID 1 of a shared PID namespace, or 0. */
  initPid: number;
  containers: ContainerState[];
}

export interface SetupReply {
  /** Inode number of the pod's network namespace. */
  netns: number;
  initPid: number;
}

export interface ExitEvent {
  event: "exit";
  container: string;
  code: number;
  signal: number;
  at: string;
  oom: boolean;
}

export interface ExecExitEvent {
  event: "exec-exit";
  exec: string;
  code: number;
  signal: number;
  at: string;
  timedOut: boolean;
}

export interface LogErrorEvent {
  event: "log-error";
  container: string;
  cause: string;
  /** Entries, since the log was opened. */
  lost: number;
}

export type StreamName = "stdin" | "stdout" | "stderr";

export interface AttachReply {
  /** Names this attachment in a DetachedEvent. */
  attachment: number;
  /** What the descriptors of the reply are, in order. */
  streams: StreamName[];
}

/** An attached client was too slow: its output has ended early. */
export interface DetachedEvent {
  event: "detached";
  container: string;
  attachment: number;
}

export type MonitorEvent = ExitEvent | ExecExitEvent | LogErrorEvent | DetachedEvent;
