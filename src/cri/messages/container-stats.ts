import type { ContainerStats, Outgoing } from "#cri";
import type { ContainerUsage } from "../../pod/service.ts";

/** What the stats RPCs tell; figures that nothing in the kernel gives are left out. */
export function containerStatsMessage(usage: ContainerUsage): Outgoing<ContainerStats> {
  const { container, cpu, memory, writableLayer } = usage;
  const timestamp = String(usage.timestamp);
  return {
    attributes: {
      id: container.id,
      metadata: container.config.metadata,
      labels: container.config.labels,
      annotations: container.config.annotations,
    },
    cpu: cpu && { timestamp, usageCoreNanoSeconds: { value: String(cpu.usageNanoseconds) } },
    memory: memory && {
      timestamp,
      workingSetBytes: { value: memory.workingSetBytes },
      usageBytes: { value: memory.usageBytes },
      rssBytes: { value: memory.rssBytes },
      pageFaults: { value: memory.pageFaults },
      majorPageFaults: { value: memory.majorPageFaults },
      availableBytes: memory.availableBytes === undefined ? undefined : { value: memory.availableBytes },
    },
    writableLayer: writableLayer && {
      timestamp,
      fsId: { mountpoint: writableLayer.mountpoint },
      usedBytes: { value: writableLayer.bytes },
      inodesUsed: { value: writableLayer.inodes },
    },
  };
}
