import { isIP } from "node:net";
import { LichenError } from "../../errors.ts";

/** What lichen needs of an ADD's result; the result as it was goes to the next plugin and into the cache. */
export interface AttachedNetwork {
  /** The pod's addresses without prefix length, in the plugin's order. */
  ips: string[];
  dns: { nameservers: string[]; domain: string; search: string[]; options: string[] };
}

/**
 * Reads a result of any version (CNI spec, section 5): lists of addresses since 0.3.0, `ip4` and `ip6` before. Addresses of
 * interfaces outside of the pod (without `sandbox`) do not count. INTERNAL when there is no address or the form is not a result's.
 */
export function readResult(result: unknown, object: string): AttachedNetwork {
  const members = asMembers(result);
  const ips = "ips" in members ? listedIps(members, object) : olderIps(members, object);
  if (ips.length === 0) throw noResult(object, "it names no address for the pod");
  const { nameservers, domain, search, options } = asMembers(members.dns);
  return {
    ips,
    dns: {
      nameservers: texts(nameservers),
      domain: typeof domain === "string" ? domain : "",
      search: texts(search),
      options: texts(options),
    },
  };
}

function listedIps(members: Record<string, unknown>, object: string): string[] {
  const interfaces = Array.isArray(members.interfaces) ? members.interfaces.map(asMembers) : [];
  const ips = Array.isArray(members.ips) ? members.ips.map(asMembers) : [];
  return ips
    .filter(({ interface: index }) => {
      const link = typeof index === "number" ? interfaces[index] : undefined;
      return link === undefined || (link.sandbox ?? "") !== "";
    })
    .map(({ address }) => plainIp(address, object));
}

function olderIps(members: Record<string, unknown>, object: string): string[] {
  return [members.ip4, members.ip6]
    .filter((ip) => ip !== undefined)
    .map((ip) => plainIp(asMembers(ip).ip, object));
}

function plainIp(text: unknown, object: string): string {
  const address = typeof text === "string" ? (text.split("/")[0] ?? "") : "";
  if (isIP(address) > 0) return address;
  throw noResult(object, `${JSON.stringify(text)} is no address`);
}

const asMembers = (value: unknown): Record<string, unknown> =>
  (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((text): text is string => typeof text === "string") : [];

function noResult(object: string, reason: string): LichenError {
  return new LichenError({
    code: "INTERNAL",
    operation: "read result of CNI network",
    object,
    reason,
    hint: "look at the network's configuration: lichen needs an ipam plugin that gives pods addresses",
  });
}
