import { readFileSync, writeFileSync } from "node:fs";
import { type Fd, native, nativeAsync, type RawLink } from "./addon.ts";
import { toLichenError } from "./failure.ts";

/** A network link of the node's own network namespace; `master` is the index of the bridge it is in, or 0. */
export type Link = RawLink;

/** Makes a bridge, or gives an existing one this MTU and these addresses ("10.210.0.1/16") too. It is up then. */
export function ensureBridge(bridge: {
  name: string;
  addresses: readonly string[];
  mtu: number;
}): Promise<void> {
  return nativeAsync((raw) => raw.ensureBridge({ ...bridge, addresses: [...bridge.addresses] }));
}

/**
 * Source address translation for these networks wherever packets leave by anything but the bridge, in an nf_tables table of
 * its own. Replaces the table if it exists. FAILED_PRECONDITION or NOT_FOUND on a kernel without nf_tables.
 */
export async function masquerade(rules: {
  table: string;
  sources: readonly string[];
  exceptBridge: string;
}): Promise<void> {
  await nativeAsync((raw) => raw.masquerade({ ...rules, sources: [...rules.sources] }));
  suitUplink();
}

/**
 * What the node's network needs with an uplink; a kernel without one of these settings goes on as it is.
 * Packets that connection tracking takes for out of their window are not translated, and so end connections: the uplink answers
 * them with a reset, and pasta's windows are often taken so. F-RTO waits for a word of pasta's that never comes (see pod_network.cc).
 */
function suitUplink(): void {
  for (const [path, value] of [
    ["netfilter/nf_conntrack_tcp_be_liberal", "1"],
    ["ipv4/tcp_frto", "0"],
  ] as const) {
    try {
      writeFileSync(`/proc/sys/net/${path}`, value);
    } catch {
      // Not there, or not ours to set.
    }
  }
}

/**
 * Lets sockets of the node that use a foreign client's address as their own (IP_TRANSPARENT) get the answers to it: an nf_tables
 * table and routing rules. Fails as masquerade does, on a kernel without nft_socket too.
 */
export function keepClients(table: string): Promise<void> {
  return nativeAsync((raw) => raw.keepClients(table));
}

/**
 * Drops what is routed from the bridge back into it, in an nf_tables table of its own. Fails as masquerade does.
 * @public by way of the whole module, as the bridge's kernel
 */
export function isolatePorts(rule: { table: string; bridge: string }): Promise<void> {
  return nativeAsync((raw) => raw.isolatePorts(rule));
}

/** A socket of the node's own network that listens ("tcp") or receives datagrams ("udp") at an address. */
export function listenInNode(address: string, port: number, protocol: "tcp" | "udp"): Fd {
  return native((raw) => raw.listen(address, port, protocol));
}

/** NOT_FOUND if there is none of that name. */
export function removeTable(name: string): Promise<void> {
  return nativeAsync((raw) => raw.removeTable(name));
}

/** NOT_FOUND if there is none of that name. Takes the kernel 30 ms and more for a veth: better let its namespace die. */
export function removeLink(name: string): Promise<void> {
  return nativeAsync((raw) => raw.removeLink(name));
}

export function links(): Promise<Link[]> {
  return nativeAsync((raw) => raw.links());
}

/** Whether links of the node can have IPv6 addresses: neither left out of the kernel nor disabled. */
export function hasIpv6(): boolean {
  try {
    return readFileSync("/proc/sys/net/ipv6/conf/all/disable_ipv6", "utf8").trim() === "0";
  } catch {
    return false;
  }
}

/** Lets the node forward packets between its links, which pods need for everything outside of their bridge, or no more. */
export function setForwarding(on: boolean, families: readonly ("ipv4" | "ipv6")[] = ["ipv4", "ipv6"]): void {
  for (const family of families) {
    const path =
      family === "ipv4" ? "/proc/sys/net/ipv4/ip_forward" : "/proc/sys/net/ipv6/conf/all/forwarding";
    try {
      writeFileSync(path, on ? "1" : "0");
    } catch (error) {
      const { code = "", message } = error as NodeJS.ErrnoException;
      // A kernel without IPv6 has nothing to forward.
      if (family === "ipv6" && code === "ENOENT") continue;
      throw toLichenError({ code, operation: "switch forwarding", object: path, reason: message }, error);
    }
  }
}
