import type { CriClient } from "../../proto/client.ts";

/** One runtime under measurement, reached over CRI. */
export interface Target {
  name: string;
  client: CriClient;
  /** The cgroup directory that holds every process of the runtime and its containers, as the host sees it. */
  cgroup: string;
  /** Log directory that runtime and benchmark both see. */
  logs: string;
  /** Path of its CRI socket. */
  socket: string;
  /** A process in the user and network namespaces that its streams are served in. */
  insidePid: number;
  /** Which command lines are the runtime's own, not a container's. */
  processes: RegExp;
  /** Passed as `runtime_handler`. */
  handler: string;
  /** PID of its daemon, where that is measured by itself. */
  daemon?: () => number;
}

export const images = {
  busybox: "registry.k8s.io/bench/busybox:1",
  pause: "registry.k8s.io/pause:3.10",
  gzip: "registry.k8s.io/bench/five-layers-gzip:1",
  zstd: "registry.k8s.io/bench/five-layers-zstd:1",
  /** Four of the five layers of `gzip`, and one of its own that is smaller. */
  shared: "registry.k8s.io/bench/shared:1",
  small: "registry.k8s.io/bench/small-files:1",
} as const;
