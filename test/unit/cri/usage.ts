import type { ContainerUsage, PodUsage, Pressure, Usage } from "../../../src/pod/service.ts";
import { containerRecord, podRecord } from "./rooms.ts";

export const pressure: Pressure = {
  some: { totalNanoseconds: 3000, avg10: 1.5, avg60: 0.5, avg300: 0.25 },
  full: { totalNanoseconds: 2000, avg10: 0, avg60: 0, avg300: 0 },
};

/** Nothing is told of anything. */
export const unknownUsage: Usage = {
  cpu: undefined,
  memory: undefined,
  swap: undefined,
  io: undefined,
  processes: undefined,
  threads: undefined,
};

/** Everything that all controllers together tell. */
export const wholeUsage: Usage = {
  cpu: {
    usageNanoseconds: 9_007_199_254_740_993n,
    userNanoseconds: 5_000_000_000n,
    systemNanoseconds: 1_000_000_000n,
    throttling: { periods: 9, throttledPeriods: 2, nanoseconds: 7_500_000_000 },
    pressure,
  },
  memory: {
    usageBytes: 9,
    workingSetBytes: 8,
    rssBytes: 7,
    pageFaults: 6,
    majorPageFaults: 5,
    availableBytes: 0,
    details: {
      cacheBytes: 11,
      mappedFileBytes: 12,
      activeFileBytes: 13,
      inactiveFileBytes: 14,
      kernelBytes: 15,
      peakBytes: 16,
      limitHits: 17,
      oomKills: 18,
    },
    pressure,
  },
  swap: { usageBytes: 4, availableBytes: 96 },
  io: { devices: [{ device: "8:0", readBytes: 1, writeBytes: 2, reads: 3, writes: 4 }], pressure },
  processes: 3,
  threads: 5,
};

export function containerUsage(fields: Partial<ContainerUsage> = {}): ContainerUsage {
  return {
    container: containerRecord(),
    timestamp: 1_764_000_000_000_000_007n,
    nanoCores: undefined,
    writableLayer: undefined,
    logLost: 0,
    ...unknownUsage,
    ...fields,
  };
}

export function podUsage(fields: Partial<PodUsage> = {}): PodUsage {
  return {
    pod: podRecord(),
    timestamp: 1_764_000_000_000_000_007n,
    nanoCores: undefined,
    interfaces: [],
    containers: [],
    ...unknownUsage,
    ...fields,
  };
}

export const traffic = (bytes: number) => ({
  bytes,
  packets: bytes + 1,
  errors: bytes + 2,
  dropped: bytes + 3,
});
