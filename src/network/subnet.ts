import { LichenError } from "../errors.ts";

/** An IPv4 subnet: the network address as a number, and the prefix length. */
export interface Subnet {
  base: number;
  prefix: number;
}

/** Reads `10.210.0.0/16`. INVALID_ARGUMENT for anything but an IPv4 network of /8 to /29 without host bits. */
export function parseSubnet(text: string): Subnet {
  const [address, length] = text.split("/", 2);
  const base = parseAddress(address ?? "");
  const prefix = /^\d+$/.test(length ?? "") ? Number(length) : Number.NaN;
  if (base === undefined || !(prefix >= 8 && prefix <= 29) || (base & hostMask(prefix)) !== 0) {
    throw new LichenError({
      code: "INVALID_ARGUMENT",
      operation: "read subnet",
      object: text,
      reason: "not an IPv4 network such as 10.210.0.0/16 with a prefix between 8 and 29",
    });
  }
  return { base, prefix };
}

/** The subnet that an address with a prefix length lies in; undefined when it is no IPv4 address. */
export function subnetOf(address: string, prefix: number): Subnet | undefined {
  const number = parseAddress(address);
  if (number === undefined || !(prefix >= 0 && prefix <= 32)) return undefined;
  return { base: (number & ~hostMask(prefix)) >>> 0, prefix };
}

/** A dotted quad as a number; undefined for anything else. */
export function parseAddress(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) {
    return undefined;
  }
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
}

export function formatSubnet(subnet: Subnet): string {
  return `${formatAddress(subnet.base)}/${subnet.prefix}`;
}

export function contains(subnet: Subnet, address: number): boolean {
  return (address & ~hostMask(subnet.prefix)) >>> 0 === subnet.base;
}

export function overlap(one: Subnet, other: Subnet): boolean {
  const wider = one.prefix <= other.prefix ? one : other;
  const narrower = wider === one ? other : one;
  return contains(wider, narrower.base);
}

/** How many addresses the subnet holds, the network's and the broadcast address included. */
export function size(subnet: Subnet): number {
  return 2 ** (32 - subnet.prefix);
}

/**
 * `wanted` itself, or, when it overlaps one of `taken`, the next subnet of its size above it (within 10.0.0.0/8 when it began there).
 * FAILED_PRECONDITION when none is free.
 */
export function freeSubnet(wanted: Subnet, taken: readonly Subnet[]): Subnet {
  const bound = { base: (wanted.base & 0xff000000) >>> 0, prefix: 8 };
  const step = size(wanted);
  const free = (subnet: Subnet) => !taken.some((other) => overlap(subnet, other));
  for (let tried = 0; tried < size(bound) / step; tried++) {
    const offset = (wanted.base - bound.base + tried * step) % size(bound);
    const candidate = { base: bound.base + offset, prefix: wanted.prefix };
    if (free(candidate)) return candidate;
  }
  throw new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "choose the pods' subnet",
    object: formatSubnet(wanted),
    reason: "it overlaps the uplink's network, and so does every one beside it",
    hint: "set network.subnet to a network that is not in use",
  });
}

function hostMask(prefix: number): number {
  return 2 ** (32 - prefix) - 1;
}
