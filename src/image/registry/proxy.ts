import { BlockList, isIP } from "node:net";
import { LichenError } from "../../errors.ts";
import { isLoopback } from "./hosts.ts";

/** What the environment says about proxies. Plain data. */
export interface ProxySettings {
  /** For http and for https addresses: "http://user:password@host:port"; "" for none. */
  http: string;
  https: string;
  /** Hosts that are reached without. */
  none: string;
}

/** A proxy to go through. */
export interface HttpProxy {
  /** Without credentials: what messages may show. */
  origin: string;
  secure: boolean;
  host: string;
  port: number;
  /** Value of Proxy-Authorization. */
  authorization: string | undefined;
}

/** HTTP_PROXY, HTTPS_PROXY and NO_PROXY, also in lower case, as Go programs (containerd, podman, the kubelet) read them. */
export function proxiesOf(environment: NodeJS.ProcessEnv): ProxySettings {
  const read = (name: string) => environment[name] || environment[name.toLowerCase()] || "";
  return { http: read("HTTP_PROXY"), https: read("HTTPS_PROXY"), none: read("NO_PROXY") };
}

/**
 * The proxy for an address, or undefined when it is to be reached directly: there is none for its scheme, it is a
 * loopback address, or NO_PROXY names it. INVALID_ARGUMENT when the proxy's address is none.
 */
export function proxyFor(url: URL, settings: ProxySettings): HttpProxy | undefined {
  const address = url.protocol === "https:" ? settings.https : settings.http;
  if (address === "" || isLoopback(url.hostname) || isExempt(url, settings.none)) return undefined;
  return parseProxy(address);
}

function parseProxy(address: string): HttpProxy {
  const whole = address.includes("://") ? address : `http://${address}`;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw unusable(url, "it is no http or https address", "http://host:port or https://host:port");
  const secure = url.protocol === "https:";
  let name: string;
  try {
    name = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  } catch {
    throw unusable(url, "a percent sign in its name or password stands for nothing", "one with %25 for each");
  }
  return {
    origin: url.origin,
    secure,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port) || (secure ? 443 : 80),
    authorization: name === ":" ? undefined : `Basic ${Buffer.from(name).toString("base64")}`,
  };
}

/** Without name and password: what messages may show. */
function unusable(url: URL | undefined, reason: string, right: string): LichenError {
  return new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "use proxy",
    object: url === undefined ? "" : `${url.protocol}//${url.host}`,
    reason,
    hint: `set HTTP_PROXY and HTTPS_PROXY of the daemon to ${right}`,
  });
}

/**
 * NO_PROXY: "*", addresses, networks (10.0.0.0/8), and names, which mean their subdomains too and, with a leading dot
 * or "*.", only these; each but a network may have a port (golang.org/x/net/http/httpproxy, Config.NoProxy).
 */
function isExempt(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => entry !== "" && matches(entry, host, port));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === "*") return true;
  const [network = "", prefix] = entry.split("/", 2);
  if (prefix !== undefined) return isWithin(host, network, Number(prefix));
  const bare = entry.replace(/^\[|\]$/g, "");
  const [, name = "", onlyPort] = isIP(bare) ? [entry, bare] : (/^(.*?)(?::(\d+))?$/.exec(entry) ?? []);
  if (onlyPort !== undefined && onlyPort !== port) return false;
  const wanted = name.replace(/^\[|\]$/g, "").replace(/^\*(?=\.)/, "");
  if (wanted === "") return false;
  if (isIP(host) || isIP(wanted)) return host === wanted;
  return wanted.startsWith(".") ? host.endsWith(wanted) : host === wanted || host.endsWith(`.${wanted}`);
}

function isWithin(host: string, network: string, prefix: number): boolean {
  const family = isIP(host);
  if (family === 0 || family !== isIP(network)) return false;
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > (family === 4 ? 32 : 128)) return false;
  const type = family === 4 ? "ipv4" : "ipv6";
  const block = new BlockList();
  block.addSubnet(network, prefix, type);
  return block.check(host, type);
}
