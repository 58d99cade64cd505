/** One line of a pressure file: https://docs.kernel.org/accounting/psi.html */
export interface PressureLine {
  /** Nanoseconds since the cgroup was made. */
  totalNanoseconds: number;
  /** Percent of the last 10, 60 and 300 seconds. */
  avg10: number;
  avg60: number;
  avg300: number;
}

/** How long tasks waited for something: some of them, or all at once. */
export interface Pressure {
  some: PressureLine;
  full: PressureLine;
}

/** CPU time since the start. */
export interface CpuUsage {
  usageNanoseconds: bigint;
  userNanoseconds: bigint;
  systemNanoseconds: bigint;
  /** What a quota did; undefined without the cpu controller. */
  throttling: { periods: number; throttledPeriods: number; nanoseconds: number } | undefined;
  pressure: Pressure | undefined;
}

export interface MemoryUsage {
  usageBytes: number;
  /** Usage without what can be dropped at once (inactive file pages). */
  workingSetBytes: number;
  rssBytes: number;
  pageFaults: number;
  majorPageFaults: number;
  /** Limit minus working set; undefined without a limit. */
  availableBytes: number | undefined;
  /** What only the memory controller counts; undefined without it. */
  details: MemoryDetails | undefined;
  pressure: Pressure | undefined;
}

export interface MemoryDetails {
  cacheBytes: number;
  mappedFileBytes: number;
  activeFileBytes: number;
  inactiveFileBytes: number;
  kernelBytes: number;
  /** The largest usage there was; undefined before Linux 5.19. */
  peakBytes: number | undefined;
  /** How often the limit was hit, and how many processes died of it. */
  limitHits: number;
  oomKills: number;
}

export interface SwapUsage {
  usageBytes: number;
  /** Limit minus usage; undefined without a limit. */
  availableBytes: number | undefined;
}

export interface DeviceIo {
  /** `major:minor`. */
  device: string;
  readBytes: number;
  writeBytes: number;
  reads: number;
  writes: number;
}

export interface IoUsage {
  /** Empty without the io controller. */
  devices: DeviceIo[];
  pressure: Pressure | undefined;
}

/** What a container or a pod uses; a part is undefined when nothing in the kernel tells it. */
export interface Usage {
  cpu: CpuUsage | undefined;
  memory: MemoryUsage | undefined;
  swap: SwapUsage | undefined;
  io: IoUsage | undefined;
  processes: number | undefined;
  /** Of all processes; undefined where neither the pids controller nor /proc was asked. */
  threads: number | undefined;
}

/** One network interface of a pod, from its own side. */
export interface InterfaceUsage {
  name: string;
  receive: TrafficUsage;
  transmit: TrafficUsage;
}

export interface TrafficUsage {
  bytes: number;
  packets: number;
  errors: number;
  dropped: number;
}
