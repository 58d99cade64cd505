import { isIP } from "node:net";
import { LichenError } from "../../errors.ts";
import { type HostTable, readHostsConfiguration, refusal } from "./hosts-file.ts";
import { defaultTls, type TlsSettings } from "./tls.ts";

/** One address under which a registry's content is to be had. Plain data: it travels to the workers. */
export interface Endpoint extends TlsSettings {
  /** Base of all requests, with the API's path: "https://host:port/v2". */
  url: string;
  /** true: the registry itself, not a mirror; credentials without a server address go there only. */
  origin: boolean;
  /** May names (tags) be looked up here, and may content be fetched by digest? */
  capabilities: { resolve: boolean; pull: boolean };
  headers: Record<string, string | string[]>;
  /** How long making a connection may take, where the usual time does not do. */
  connectMs?: number;
}

export interface HostsOptions {
  certsDirectories: readonly string[];
  plainHttpHosts: readonly string[];
}

const everything = { resolve: true, pull: true };

/**
 * The addresses of `registry` in the order to try: the mirrors that certs.d has for it (hosts-file.ts), then the
 * registry itself. Without configuration that is https, but http for loopback addresses and `plainHttpHosts`.
 * Errors: those of readHostsConfiguration, and INVALID_ARGUMENT for a registry that cannot be an address.
 */
export function endpointsOf(registry: string, options: HostsOptions): Endpoint[] {
  const configuration = readHostsConfiguration(registry, options.certsDirectories);
  const secured = configuration?.server.securityGiven ?? false;
  const usual = usualServer(registry, options.plainHttpHosts, secured);
  if (configuration === undefined)
    return [
      { url: `${usual.origin}/v2`, origin: true, capabilities: everything, headers: {}, ...defaultTls },
    ];
  const { source, mirrors, server } = configuration;
  return [
    ...mirrors.map((table) => endpoint(table, usual, source)),
    { ...endpoint(server, usual, source), origin: true },
  ];
}

function endpoint(table: HostTable, usual: URL, source: string): Endpoint {
  const { skipVerify, authorities, clientCertificates, headers } = table;
  const url = table.address === undefined ? usual : parseAddress(table.address, source);
  const path = url.pathname.replace(/\/+$/, "");
  // override_path: the address already is the root of the API; otherwise /v2 belongs below it.
  const apiPath = table.overridePath || path.endsWith("/v2") ? path : `${path}/v2`;
  const may = (what: string) => table.capabilities?.includes(what) ?? true;
  return {
    url: `${url.origin}${apiPath}`,
    origin: url.host === usual.host,
    capabilities: { resolve: may("resolve"), pull: may("pull") },
    headers,
    ...{ skipVerify, authorities, clientCertificates },
    ...(table.connectMs === undefined ? {} : { connectMs: table.connectMs }),
  };
}

function parseAddress(address: string, source: string): URL {
  const whole = address.includes("://") ? address : `https://${address}`;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw refusal(source, `"${address}" is no http or https address`);
  return url;
}

function usualServer(registry: string, plainHttpHosts: readonly string[], secured: boolean): URL {
  // The registry behind the name "docker.io" answers at this host.
  if (registry === "docker.io") return new URL("https://registry-1.docker.io");
  const host = registry.replace(/:\d+$/, "");
  const plain = plainHttpHosts.includes(registry) || plainHttpHosts.includes(host);
  const address = `${plain || (isLoopback(host) && !secured) ? "http" : "https"}://${registry}`;
  if (URL.canParse(address)) return new URL(address);
  throw new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "find registry",
    object: registry,
    reason: "this can be no address of a registry",
    hint: "check the host's name or address, and the port, which is at most 65535",
  });
}

/** "localhost", 127.0.0.0/8 and [::1]. */
export function isLoopback(host: string): boolean {
  const address = host.replace(/^\[(.*)\]$/, "$1");
  return host === "localhost" || (isIP(address) === 4 && address.startsWith("127.")) || address === "::1";
}
