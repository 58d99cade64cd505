import { isIP } from "node:net";
import type { PodSandboxConfig } from "#cri";
import { Protocol } from "#cri";
import { LichenError } from "../../errors.ts";

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
    ...(Object.keys(annotations).length > 0 ? { "io.kubernetes.cri.pod-annotations": annotations } : {}),
  };
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

/** INVALID_ARGUMENT for what would not pass through CNI_ARGS whole, and for asked addresses that are none. */
export function checkParameters(config: PodSandboxConfig): void {
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
