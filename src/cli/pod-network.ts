import type { CriClient } from "../../proto/client.ts";

/** A host port as PodSandboxStatus tells it. */
export interface ListedPort {
  protocol: string;
  hostIp: string;
  hostPort: number;
  containerPort: number;
}

/** The contract's JSON form of a port mapping: members at their default are left out. */
interface MappingJson {
  protocol?: string | number;
  containerPort?: number;
  container_port?: number;
  hostPort?: number;
  host_port?: number;
  hostIp?: string;
  host_ip?: string;
}

/** Addresses and host ports of a pod, from the verbose form of its status. */
export async function podNetwork(
  client: CriClient,
  podSandboxId: string,
): Promise<{ ips: string[]; ports: ListedPort[] }> {
  const { status, info } = await client.podSandboxStatus({ podSandboxId, verbose: true });
  const network = status?.network;
  const ips = [network?.ip ?? "", ...(network?.additionalIps ?? []).map(({ ip }) => ip)].filter(Boolean);
  const { config = {} } = JSON.parse(info.info ?? "{}") as { config?: Record<string, unknown> };
  const mappings = (config.portMappings ?? config.port_mappings ?? []) as MappingJson[];
  return { ips, ports: mappings.map(listedPort).filter(({ hostPort }) => hostPort > 0) };
}

function listedPort(mapping: MappingJson): ListedPort {
  const protocols = ["TCP", "UDP", "SCTP"];
  const { protocol = "TCP" } = mapping;
  return {
    protocol: (typeof protocol === "number" ? (protocols[protocol] ?? "TCP") : protocol).toLowerCase(),
    hostIp: mapping.hostIp ?? mapping.host_ip ?? "",
    hostPort: mapping.hostPort ?? mapping.host_port ?? 0,
    containerPort: mapping.containerPort ?? mapping.container_port ?? 0,
  };
}

/** `127.0.0.1:8080->80/tcp`; `*` for all addresses. */
export function portText({ protocol, hostIp, hostPort, containerPort }: ListedPort): string {
  const host = hostIp === "" ? "*" : hostIp.includes(":") ? `[${hostIp}]` : hostIp;
  return `${host}:${hostPort}->${containerPort}/${protocol}`;
}
