import { isIP, isIPv6 } from "node:net";
import { Protocol, type PortMapping as RequestedMapping } from "#cri";
import { LichenError } from "../errors.ts";

/** A port of a pod that is served on the host. */
export interface PortMapping {
  protocol: "tcp" | "udp";
  /** "" for all addresses of both families. */
  hostIp: string;
  hostPort: number;
  containerPort: number;
}

const protocols = { [Protocol.TCP]: "tcp", [Protocol.UDP]: "udp" } as const;

/**
 * The mappings that ask for a host port, each once. INVALID_ARGUMENT for numbers that are no ports, addresses that are none, and two
 * mappings of one host port; UNIMPLEMENTED for SCTP.
 */
export function hostPortMappings(requested: readonly RequestedMapping[]): PortMapping[] {
  const mappings: PortMapping[] = [];
  for (const one of requested) {
    if (one.hostPort === 0) continue;
    const mapping = checked(one);
    const clash = mappings.find((other) => overlap(mapping, other));
    if (clash === undefined) mappings.push(mapping);
    else if (describe(clash) !== describe(mapping))
      throw refused(mapping, `it is mapped twice: also as ${describe(clash)}`);
  }
  return mappings;
}

function checked(one: RequestedMapping): PortMapping {
  const { hostIp, hostPort, containerPort } = one;
  if (one.protocol === Protocol.SCTP) {
    throw new LichenError({
      code: "UNIMPLEMENTED",
      operation: "map host port",
      object: `${hostPort}/sctp`,
      reason: "host ports are TCP or UDP",
      hint: "reach the pod's SCTP port by the pod's address, or use the node's network",
    });
  }
  const protocol = protocols[one.protocol as keyof typeof protocols];
  if (protocol === undefined) throw refused(one, `protocol ${one.protocol} is not known`);
  const mapping = { protocol, hostIp, hostPort, containerPort };
  for (const port of [hostPort, containerPort])
    if (!(port >= 1 && port <= 65_535)) throw refused(mapping, `${port} is not a port`);
  if (hostIp !== "" && isIP(hostIp) === 0) throw refused(mapping, `${hostIp} is not an IP address`);
  return mapping;
}

/** `127.0.0.1:8080->80/tcp`. */
export function describe({ protocol, hostIp, hostPort, containerPort }: PortMapping): string {
  return `${hostAddress(hostIp, hostPort)}->${containerPort}/${protocol}`;
}

/** `[::1]:8080`, `127.0.0.1:8080`, `*:8080` for all addresses. */
export function hostAddress(ip: string, port: number): string {
  return `${ip === "" ? "*" : isIPv6(ip) ? `[${ip}]` : ip}:${port}`;
}

/** The addresses that sockets are bound to. */
export function bindAddresses({ hostIp }: PortMapping): string[] {
  return hostIp === "" ? ["0.0.0.0", "::"] : [hostIp];
}

/** Whether two mappings want one and the same port of one and the same address. */
export function overlap(one: PortMapping, other: PortMapping): boolean {
  if (one.protocol !== other.protocol || one.hostPort !== other.hostPort) return false;
  return bindAddresses(one).some((mine) => bindAddresses(other).some((its) => sameAddress(mine, its)));
}

function sameAddress(one: string, other: string): boolean {
  if (isIPv6(one) !== isIPv6(other)) return false;
  return one === other || [one, other].some((address) => address === "0.0.0.0" || address === "::");
}

function refused(mapping: { hostIp: string; hostPort: number }, reason: string): LichenError {
  return new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "map host port",
    object: hostAddress(mapping.hostIp, mapping.hostPort),
    reason,
  });
}
