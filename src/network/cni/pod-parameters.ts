import { isIP } from "node:net";
import type { PodSandboxConfig } from "#cri";
import { Protocol } from "#cri";
import { LichenError } from "../../errors.ts";
import { bandwidthOf } from "../bandwidth.ts";
import type { NetworkList } from "./network-list.ts";

/** The annotation by which a pod asks for addresses of its own choice, separated by commas. */
export const ipsAnnotation = "lichen/ips";

/** CNI_ARGS as Kubernetes' runtimes give them; plugins find the pod's name there. */
export function cniArgs(sandboxId: string, config: PodSandboxConfig): string {
  const { name = "", namespace = "", uid = "" } = config.metadata ?? {};
  const pairs = {
    IgnoreUnknown: "1",
    K8S_POD_NAMESPACE: namespace,
    K8S_POD_NAME: name,
    K8S_POD_INFRA_CONTAINER_ID: sandboxId,
    K8S_POD_UID: uid,
  };
  return Object.entries(pairs)
    .map(([key, value]) => `${key}=${value}`)
    .join(";");
}

/** What plugins may ask for about a pod, by capability (CNI's CONVENTIONS.md); empty ones are left out. */
export function capabilitiesOf(config: PodSandboxConfig): Record<string, unknown> {
  const { dnsConfig, annotations } = config;
  const ports = config.portMappings.filter(({ hostPort }) => hostPort > 0);
  const ips = askedIps(config);
  const dns = dnsConfig && {
    servers: dnsConfig.servers,
    searches: dnsConfig.searches,
    options: dnsConfig.options,
  };
  return {
    ...(ports.length > 0 ? { portMappings: ports.map(portMapping) } : {}),
    ...(dns && dns.servers.length + dns.searches.length + dns.options.length > 0 ? { dns } : {}),
    ...(ips.length > 0 ? { ips } : {}),
    ...bandwidth(annotations),
    ...(Object.keys(annotations).length > 0 ? { "io.kubernetes.cri.pod-annotations": annotations } : {}),
  };
}

/** Bits a second; the plugin wants a burst of less than 2^32 bytes beside each rate. */
function bandwidth(annotations: Readonly<Record<string, string>>): { bandwidth?: Record<string, number> } {
  const { ingressBits, egressBits } = bandwidthOf(annotations);
  if (ingressBits + egressBits === 0) return {};
  const limit = (name: string, rate: number) =>
    rate === 0 ? {} : { [`${name}Rate`]: rate, [`${name}Burst`]: 2 ** 31 - 1 };
  return { bandwidth: { ...limit("ingress", ingressBits), ...limit("egress", egressBits) } };
}

/**
 * What a pod asks for and only plugins can give: FAILED_PRECONDITION where none of the network's takes it. Names and ports are not
 * among it: resolv.conf is written and host ports are served whatever the network is.
 */
export function requireTaken(capabilities: Readonly<Record<string, unknown>>, network: NetworkList): void {
  for (const name of ["bandwidth", "ips"]) {
    if (!(name in capabilities) || network.plugins.some((plugin) => plugin.capabilities.includes(name)))
      continue;
    throw new LichenError({
      code: "FAILED_PRECONDITION",
      operation: "attach pod sandbox",
      object: `CNI network ${network.name}`,
      reason: `the pod's annotations ask for ${name}, and no plugin of the network has that capability`,
      hint: `add a plugin with "capabilities": {"${name}": true} to ${network.file}, or leave the annotation out`,
    });
  }
}

function portMapping({
  hostPort,
  containerPort,
  hostIp,
  protocol,
}: PodSandboxConfig["portMappings"][number]) {
  const names = { [Protocol.TCP]: "tcp", [Protocol.UDP]: "udp", [Protocol.SCTP]: "sctp" };
  return {
    hostPort,
    containerPort,
    protocol: names[protocol] ?? "tcp",
    ...(hostIp === "" ? {} : { hostIP: hostIp }),
  };
}

function askedIps(config: PodSandboxConfig): string[] {
  const text = config.annotations[ipsAnnotation] ?? "";
  return text
    .split(",")
    .map((ip) => ip.trim())
    .filter(Boolean);
}

/** INVALID_ARGUMENT for a bandwidth that is none, what would not pass through CNI_ARGS whole, and for asked addresses that are none. */
export function checkParameters(config: PodSandboxConfig): void {
  bandwidthOf(config.annotations);
  const { name = "", namespace = "", uid = "" } = config.metadata ?? {};
  for (const [member, value] of Object.entries({ name, namespace, uid })) {
    if (/[;=\n\0]/.test(value))
      throw invalid(`metadata.${member} ${value}`, "CNI cannot carry ; and = in it");
  }
  for (const ip of askedIps(config)) {
    if (isIP(ip.split("/")[0] ?? "") === 0)
      throw invalid(`annotation ${ipsAnnotation}`, `${ip} is no address`);
  }
}

function invalid(object: string, reason: string): LichenError {
  return new LichenError({ code: "INVALID_ARGUMENT", operation: "check pod sandbox", object, reason });
}
