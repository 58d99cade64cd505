import type { NetworkInterfaceUsage, NetworkUsage, Outgoing, PodSandboxStats } from "#cri";
import type { InterfaceUsage, PodUsage } from "../../pod/service.ts";
import { containerStatsMessage } from "./container-stats.ts";
import { cpuMessage, ioMessage, memoryMessage } from "./usage.ts";

/** What the pod stats RPCs tell; figures that nothing in the kernel gives are left out. */
export function sandboxStatsMessage(usage: PodUsage): Outgoing<PodSandboxStats> {
  const { pod, timestamp, processes } = usage;
  return {
    attributes: {
      id: pod.id,
      metadata: pod.config.metadata,
      labels: pod.config.labels,
      annotations: pod.config.annotations,
    },
    linux: {
      cpu: cpuMessage(usage),
      memory: memoryMessage(usage),
      io: ioMessage(usage),
      network: networkMessage(usage),
      process:
        processes === undefined
          ? undefined
          : { timestamp: String(timestamp), processCount: { value: processes } },
      containers: usage.containers.map(containerStatsMessage),
    },
  };
}

function networkMessage({ interfaces, timestamp }: PodUsage): Outgoing<NetworkUsage> | undefined {
  const [first, ...others] = interfaces;
  return (
    first && {
      timestamp: String(timestamp),
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
