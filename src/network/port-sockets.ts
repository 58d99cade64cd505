import { LichenError, within } from "../errors.ts";
import { nativeCode } from "../native/failure.ts";
import type { Fd } from "../native/fd.ts";
import { bindAddresses, hostAddress, type PortMapping } from "./port-mappings.ts";

/** Opens a socket that listens ("tcp") or receives datagrams ("udp"). */
export type OpenSocket = (address: string, port: number, protocol: "tcp" | "udp") => Promise<Fd>;

/** The two networks in which a host port is served: the host's, and the node's own, where the kubelet and hostNetwork pods live. */
export interface Sides {
  host: OpenSocket;
  node: OpenSocket;
}

/** A bound socket, and what to call it: `host 0.0.0.0:8080/tcp->80`. */
export interface BoundSocket {
  name: string;
  side: keyof Sides;
  mapping: PortMapping;
  socket: Fd;
}

/** An address that this machine, or this side of it, does not have, of a family that its kernel may not know. */
const absent = ["EADDRNOTAVAIL", "EAFNOSUPPORT"];

/** The names that openSockets() gives at most. */
export function socketNames(mapping: PortMapping): string[] {
  return bindAddresses(mapping).flatMap((address) =>
    (["host", "node"] as const).map((side) => socketName(side, address, mapping)),
  );
}

function socketName(side: keyof Sides, address: string, mapping: PortMapping): string {
  return `${side} ${hostAddress(address, mapping.hostPort)}->${mapping.containerPort}/${mapping.protocol}`;
}

/**
 * Binds what the mappings ask for, on both sides. An address that exists on one side only is bound there. When anything else fails
 * nothing stays open: FAILED_PRECONDITION for a port in use or an address that is nowhere, PERMISSION_DENIED for a privileged port.
 */
export async function openSockets(mappings: readonly PortMapping[], sides: Sides): Promise<BoundSocket[]> {
  const opened: BoundSocket[] = [];
  try {
    for (const mapping of mappings) opened.push(...(await openOne(mapping, sides)));
    return opened;
  } catch (error) {
    for (const { socket } of opened) socket.close();
    throw error;
  }
}

async function openOne(mapping: PortMapping, sides: Sides): Promise<BoundSocket[]> {
  const { hostPort, protocol } = mapping;
  const bound: BoundSocket[] = [];
  let missing: unknown;
  try {
    for (const address of bindAddresses(mapping)) {
      for (const side of ["host", "node"] as const) {
        try {
          const socket = await sides[side](address, hostPort, protocol);
          bound.push({ name: socketName(side, address, mapping), side, mapping, socket });
        } catch (error) {
          if (!absent.includes(nativeCode(error) ?? "")) throw explained(mapping, side, error);
          missing = error;
        }
      }
    }
    if (bound.length > 0) return bound;
    throw explained(mapping, "host", missing);
  } catch (error) {
    for (const { socket } of bound) socket.close();
    throw error;
  }
}

function explained(mapping: PortMapping, side: keyof Sides, error: unknown): LichenError {
  const { hostIp, hostPort, protocol } = mapping;
  const where = side === "host" ? "on the host" : "in the node's own network";
  const fail = (code: LichenError["code"], reason: string, hint: string) =>
    new LichenError({
      code,
      operation: "open host port",
      object: `${hostAddress(hostIp, hostPort)}/${protocol}`,
      reason,
      hint,
      cause: error,
    });
  switch (nativeCode(error)) {
    case "EADDRINUSE": {
      const list = `ss -ln${protocol === "udp" ? "u" : "t"}p 'sport = :${hostPort}'`;
      const command = side === "host" ? list : `lichen enter -- ${list}`;
      return fail("FAILED_PRECONDITION", `another program has it ${where}`, `see which one: ${command}`);
    }
    case "EACCES": {
      const setting = `net.ipv4.ip_unprivileged_port_start=${hostPort}`;
      const lasting = `echo ${setting} | sudo tee /etc/sysctl.d/50-lichen.conf`;
      const reason = `ports below net.ipv4.ip_unprivileged_port_start are for root ${where}`;
      return fail("PERMISSION_DENIED", reason, `sudo sysctl -w ${setting}; to keep it: ${lasting}`);
    }
    case "EADDRNOTAVAIL":
    case "EAFNOSUPPORT":
      return fail(
        "FAILED_PRECONDITION",
        "neither the host nor the node has this address",
        "see the host's: ip addr",
      );
    default:
      return within("open host port", `${hostAddress(hostIp, hostPort)}/${protocol}`, error);
  }
}
