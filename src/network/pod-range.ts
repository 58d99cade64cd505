import { isIPv4 } from "node:net";
import { LichenError } from "../errors.ts";
import { contains, formatSubnet, overlap, parseSubnet, type Subnet } from "./subnet.ts";
import { formatSubnet6, parseSubnet6, type Subnet6 } from "./subnet6.ts";

/** Where pods' addresses come from: an IPv4 network and, if pods have IPv6, one of that. */
export interface PodRange {
  subnet: Subnet;
  subnet6: Subnet6 | undefined;
}

/** Both networks as texts, IPv4 first. */
export function formatRange({ subnet, subnet6 }: PodRange): string[] {
  return [formatSubnet(subnet), ...(subnet6 === undefined ? [] : [formatSubnet6(subnet6)])];
}

/**
 * `present` with the networks that a cluster has given this node in place of its own; `present` itself when they are the same. A family
 * that the cluster says nothing of, or that pods do not have, stays. FAILED_PRECONDITION for networks that this node cannot have,
 * such as one that overlaps one of `taken`.
 */
export function rangeFor(cidrs: readonly string[], present: PodRange, taken: readonly Subnet[]): PodRange {
  const wanted = { ...present };
  for (const cidr of cidrs) {
    if (isIPv4(cidr.split("/")[0] ?? "")) wanted.subnet = usable(cidr, taken);
    else if (present.subnet6 !== undefined) wanted.subnet6 = usable6(cidr);
  }
  return formatRange(wanted).join() === formatRange(present).join() ? present : wanted;
}

function usable(cidr: string, taken: readonly Subnet[]): Subnet {
  let subnet: Subnet;
  try {
    subnet = parseSubnet(cidr);
  } catch (error) {
    throw unusable(cidr, "pods of this node need an IPv4 network with a prefix between 8 and 29", error);
  }
  const other = taken.find((one) => overlap(one, subnet));
  if (other !== undefined) throw unusable(cidr, `it overlaps the uplink's network ${formatSubnet(other)}`);
  if (contains({ base: 0x7f000000, prefix: 8 }, subnet.base)) throw unusable(cidr, "it is loopback's");
  return subnet;
}

function usable6(cidr: string): Subnet6 {
  const subnet6 = parseSubnet6(cidr);
  if (subnet6 === undefined) throw unusable(cidr, "pods of this node need a whole IPv6 /64");
  return subnet6;
}

function unusable(cidr: string, reason: string, cause?: unknown): LichenError {
  return new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "use pod CIDR",
    object: cidr,
    reason,
    hint: "give the node another one (spec.podCIDRs of the Node)",
    ...(cause === undefined ? {} : { cause }),
  });
}
