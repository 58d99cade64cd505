import type { ContainerAttributes, ContainerStats, Outgoing } from "#cri";
import type { ContainerRecord, ContainerUsage } from "../../pod/service.ts";
import { encodedOnce } from "./encoded-once.ts";
import { halves } from "./halves.ts";
import { cpuMessage, ioMessage, memoryMessage, swapMessage } from "./usage.ts";

/** What the stats RPCs tell; figures that nothing in the kernel gives are left out. */
export const encodedContainerStats = encodedOnce<ContainerUsage, ContainerStats>(
  "ContainerStats",
  containerStatsMessage,
);

const attributes = encodedOnce<ContainerRecord, ContainerAttributes>(
  "ContainerAttributes",
  ({ id, config }) => ({
    id,
    metadata: config.metadata,
    labels: config.labels,
    annotations: config.annotations,
  }),
);

export function containerStatsMessage(usage: ContainerUsage): Outgoing<ContainerStats> {
  const { container, writableLayer } = usage;
  return {
    attributes: attributes(container),
    cpu: cpuMessage(usage),
    memory: memoryMessage(usage),
    swap: swapMessage(usage),
    io: ioMessage(usage),
    writableLayer: writableLayer && {
      timestamp: halves(writableLayer.at),
      fsId: { mountpoint: writableLayer.mountpoint },
      usedBytes: { value: writableLayer.bytes },
      inodesUsed: { value: writableLayer.inodes },
    },
  };
}
