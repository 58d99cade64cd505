import type { ContainerStats, Outgoing } from "#cri";
import type { ContainerUsage } from "../../pod/service.ts";
import { cpuMessage, ioMessage, memoryMessage, swapMessage } from "./usage.ts";

/** What the stats RPCs tell; figures that nothing in the kernel gives are left out. */
export function containerStatsMessage(usage: ContainerUsage): Outgoing<ContainerStats> {
  const { container, writableLayer } = usage;
  return {
    attributes: {
      id: container.id,
      metadata: container.config.metadata,
      labels: container.config.labels,
      annotations: container.config.annotations,
    },
    cpu: cpuMessage(usage),
    memory: memoryMessage(usage),
    swap: swapMessage(usage),
    io: ioMessage(usage),
    writableLayer: writableLayer && {
      timestamp: String(writableLayer.at),
      fsId: { mountpoint: writableLayer.mountpoint },
      usedBytes: { value: writableLayer.bytes },
      inodesUsed: { value: writableLayer.inodes },
    },
  };
}
