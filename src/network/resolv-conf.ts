import type { DNSConfig } from "#cri";
import type { Attachment } from "./driver.ts";

export interface ResolverSource {
  /** What the pod's network says about names; undefined when it says nothing. */
  network?: Attachment["dns"];
  /** Servers that the uplink offers inside the node's network; empty without an uplink. */
  uplinkServers: readonly string[];
  /** The text of the node's own /etc/resolv.conf, or "". */
  nodeConf: string;
}

/**
 * The pod's resolv.conf: what DNSConfig says, or, when it says nothing, what its network says, or else the node's search domains and options with the uplink's servers.
 * The node's own servers are only taken without an uplink: behind one they may be unreachable (127.0.0.53).
 */
export function resolvConf(config: DNSConfig | null, source: ResolverSource): string {
  if (config !== null && config.servers.length + config.searches.length + config.options.length > 0) {
    return lines(config.servers, config.searches, config.options);
  }
  const { network } = source;
  if (network !== undefined && network.servers.length > 0) {
    return lines(network.servers, network.searches, network.options);
  }
  const node = parse(source.nodeConf);
  const servers = source.uplinkServers.length > 0 ? source.uplinkServers : node.servers;
  return lines(servers, node.searches, node.options);
}

function lines(servers: readonly string[], searches: readonly string[], options: readonly string[]): string {
  const text = servers.map((server) => `nameserver ${server}\n`);
  if (searches.length > 0) text.unshift(`search ${searches.join(" ")}\n`);
  if (options.length > 0) text.push(`options ${options.join(" ")}\n`);
  return text.join("");
}

/** resolv.conf(5): of several `search` lines the last one holds. */
function parse(text: string): { servers: string[]; searches: string[]; options: string[] } {
  const found = { servers: [] as string[], searches: [] as string[], options: [] as string[] };
  for (const line of text.split("\n")) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === "nameserver") found.servers.push(...values.slice(0, 1));
    else if (keyword === "search" || keyword === "domain") found.searches = values;
    else if (keyword === "options") found.options.push(...values);
  }
  return found;
}
