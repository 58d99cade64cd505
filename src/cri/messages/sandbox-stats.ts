import type {
  NetworkInterfaceUsage,
  NetworkUsage,
  Outgoing,
  PodSandboxAttributes,
  PodSandboxStats,
} from "#cri";
import type { InterfaceUsage, PodRecord, PodUsage } from "../../pod/service.ts";
import { encodedContainerStats } from "./container-stats.ts";
import { encodedOnce } from "./encoded-once.ts";
import { halves } from "./halves.ts";
import { cpuMessage, ioMessage, memoryMessage } from "./usage.ts";

/** What the pod stats RPCs tell; figures that nothing in the kernel gives are left out. */
export const encodedSandboxStats = encodedOnce<PodUsage, PodSandboxStats>(
  "PodSandboxStats",
  sandboxStatsMessage,
);

const attributes = encodedOnce<PodRecord, PodSandboxAttributes>("PodSandboxAttributes", ({ id, config }) => ({
  id,
  metadata: config.metadata,
  labels: config.labels,
  annotations: config.annotations,
}));

export function sandboxStatsMessage(usage: PodUsage): Outgoing<PodSandboxStats> {
  const { pod, timestamp, processes } = usage;
  return {
    attributes: attributes(pod),
    linux: {
      cpu: cpuMessage(usage),
      memory: memoryMessage(usage),
      io: ioMessage(usage),
      network: networkMessage(usage),
      process:
        processes === undefined
          ? undefined
          : { timestamp: halves(timestamp), processCount: { value: processes } },
      containers: usage.containers.map(encodedContainerStats),
    },
  };
}

function networkMessage({ interfaces, timestamp }: PodUsage): Outgoing<NetworkUsage> | undefined {
  const [first, ...others] = interfaces;
  return (
    first && {
      timestamp: halves(timestamp),
      defaultInterface: interfaceMessage(first),
      interfaces: others.map(interfaceMessage),
    }
  );
}

function interfaceMessage({ name, receive, transmit }: InterfaceUsage): Outgoing<NetworkInterfaceUsage> {
  return {
    name,
    rxBytes: { value: receive.bytes },
    rxErrors: { value: receive.errors },
    txBytes: { value: transmit.bytes },
    txErrors: { value: transmit.errors },
  };
}
