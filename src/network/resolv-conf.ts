import { isIP } from "node:net";
import type { DNSConfig } from "#cri";
import { LichenError } from "../errors.ts";

/** What a resolver is told. */
interface ResolverSettings {
  servers: readonly string[];
  searches: readonly string[];
  options: readonly string[];
}

export interface ResolverSource {
  /** What the pod's network says about names; undefined when it says nothing. */
  network?: ResolverSettings | undefined;
  /** Servers that the uplink offers inside the node's network; empty without an uplink. */
  uplinkServers: readonly string[];
  /** The text of the node's own /etc/resolv.conf, or "". */
  nodeConf: string;
  /** The text of the file in which systemd-resolved names its real servers, or "". */
  resolvedConf: string;
}

// resolv.conf(5): resolvers take no more servers than this (MAXNS).
const maximumServers = 3;
// What Kubernetes allows a pod (validation.MaxDNSSearchPaths, MaxDNSSearchListChars).
const maximumSearches = 32;
const maximumSearchCharacters = 2048;

/**
 * Refuses a DNSConfig that would not make a valid resolv.conf, before anything is made: INVALID_ARGUMENT for servers that are no
 * addresses, for words that are none, and for more domains than Kubernetes allows.
 */
export function checkDnsConfig(config: DNSConfig | null): void {
  if (config === null) return;
  for (const server of config.servers) {
    if (isIP(server.replace(/%[\w.-]+$/, "")) === 0) throw refused("servers", server, "not an IP address");
  }
  for (const domain of config.searches) {
    if (!/^(\.|[\w-]+(\.[\w-]+)*\.?)$/.test(domain)) throw refused("searches", domain, "not a domain name");
  }
  for (const option of config.options) {
    if (!/^[\x21-\x7e]+$/.test(option)) throw refused("options", option, "not a single word");
  }
  const characters = config.searches.join(" ").length;
  if (config.searches.length > maximumSearches || characters > maximumSearchCharacters) {
    const limits = `at most ${maximumSearches} domains of ${maximumSearchCharacters} characters together`;
    throw refused("searches", `(${config.searches.length} domains, ${characters} characters)`, limits);
  }
}

/**
 * The pod's resolv.conf: what DNSConfig says; for what it leaves out, the pod's network and then the node. A server on the node's
 * loopback (systemd-resolved's 127.0.0.53) is out of a pod's reach: the ones behind it stand in.
 */
export function resolvConf(config: DNSConfig | null, source: ResolverSource): string {
  const given = config !== null && config.servers.length + config.searches.length + config.options.length > 0;
  const { servers, searches, options } = defaults(source);
  if (!given) return lines({ servers, searches, options });
  // Without any server a resolver would ask the pod's own loopback.
  return lines({ ...config, servers: config.servers.length > 0 ? config.servers : servers });
}

function defaults({ network, uplinkServers, nodeConf, resolvedConf }: ResolverSource): ResolverSettings {
  const node = parse(nodeConf);
  const reachable = node.servers.filter((server) => !onLoopback(server));
  const real = reachable.length > 0 ? reachable : parse(resolvedConf).servers;
  const servers = firstFilled(network?.servers, uplinkServers, real);
  return {
    servers: servers.slice(0, maximumServers),
    searches: withinLimits(firstFilled(network?.searches, node.searches)),
    options: firstFilled(network?.options, node.options),
  };
}

const firstFilled = (...lists: (readonly string[] | undefined)[]): readonly string[] =>
  lists.find((list) => list !== undefined && list.length > 0) ?? [];

const onLoopback = (server: string): boolean => server.startsWith("127.") || server === "::1";

/** As many of the domains as resolvers and Kubernetes take. */
function withinLimits(searches: readonly string[]): string[] {
  let characters = 0;
  return searches.slice(0, maximumSearches).filter((domain) => {
    characters += domain.length + 1;
    return characters <= maximumSearchCharacters + 1;
  });
}

function lines({ servers, searches, options }: ResolverSettings): string {
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

function refused(member: string, value: string, reason: string): LichenError {
  return new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "check pod sandbox",
    object: `dns_config.${member} ${JSON.stringify(value)}`,
    reason,
  });
}
