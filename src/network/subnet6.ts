import { randomBytes } from "node:crypto";
import { SocketAddress } from "node:net";
import { parseAddress, type Subnet } from "./subnet.ts";

/**
 * The pods' IPv6 network: a /64, by its first eight bytes. A pod's IPv6 address is that of its IPv4 address in it, so that one pool
 * hands out both, and what is given back is given back once.
 */
export interface Subnet6 {
  /** `fd12:3456:789a:1`, in the canonical form of its words. */
  prefix: string;
}

/** A random unique local /64 (RFC 4193: fd00::/8, 40 random bits). */
export function randomSubnet6(): Subnet6 {
  const bytes = randomBytes(5).toString("hex");
  return canonical([`fd${bytes.slice(0, 2)}`, bytes.slice(2, 6), bytes.slice(6, 10), "0"]);
}

/** Reads `fd00:1:2:3::/64`; undefined for anything that is no IPv6 /64 without host bits. */
export function parseSubnet6(text: string): Subnet6 | undefined {
  const [address = "", length, ...rest] = text.split("/");
  if (length !== "64" || rest.length > 0 || address.includes("%")) return undefined;
  const words = wordsOf(address);
  if (words === undefined || words.slice(4).some((word) => Number.parseInt(word, 16) !== 0)) return undefined;
  return canonical(words.slice(0, 4));
}

export function formatSubnet6({ prefix }: Subnet6): string {
  return `${shortest(`${prefix}:0:0:0:0`)}/64`;
}

/** The address in `subnet6` that goes with an address of the IPv4 `subnet`: the same number within it. */
export function beside(subnet6: Subnet6, subnet: Subnet, address: string): string {
  const offset = (parseAddress(address) ?? subnet.base) - subnet.base;
  const high = Math.floor(offset / 65_536).toString(16);
  return shortest(`${subnet6.prefix}:0:0:${high}:${(offset % 65_536).toString(16)}`);
}

function canonical(words: readonly string[]): Subnet6 {
  return { prefix: words.map((word) => Number.parseInt(word, 16).toString(16)).join(":") };
}

/** The eight words of an address; undefined when it is none. */
function wordsOf(address: string): string[] | undefined {
  try {
    new SocketAddress({ address, family: "ipv6" });
  } catch {
    return undefined;
  }
  if (address.includes(".")) return undefined;
  const [left = "", right] = address.split("::");
  const before = left.split(":").filter(Boolean);
  const after = (right ?? "").split(":").filter(Boolean);
  return [...before, ...Array<string>(8 - before.length - after.length).fill("0"), ...after];
}

/** RFC 5952: as the kernel and every program write it. */
function shortest(address: string): string {
  return new SocketAddress({ address, family: "ipv6" }).address;
}
