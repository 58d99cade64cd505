import { LichenError } from "../errors.ts";
import type { AddressStore } from "../store/addresses.ts";
import { contains, formatAddress, formatSubnet, parseAddress, type Subnet, size } from "./subnet.ts";

/** For so long peers may remember who had an address: neighbour tables, connections that are being closed. */
const restMs = 60_000;

/**
 * Hands out the subnet's addresses to pods, going round; one that was given back rests for a minute, unless no other is left: then the
 * one that has rested longest is taken. The first address is the gateway's; first and last are never given. What is taken is in the store before it is answered.
 */
export class AddressPool {
  #subnet: Subnet;
  readonly #store: AddressStore;
  readonly #now: () => number;
  /** When addresses were given back, the longest ago first. */
  readonly #resting = new Map<string, number>();
  #last: number;

  /** `now` in milliseconds, for tests. */
  constructor(subnet: Subnet, store: AddressStore, now: () => number = Date.now) {
    this.#subnet = subnet;
    this.#store = store;
    this.#now = now;
    this.#last = this.#highest();
  }

  /** How many addresses pods hold. */
  get held(): number {
    return this.#store.all().length;
  }

  /** From now on addresses come from `subnet`. Pods that hold others keep them. */
  move(subnet: Subnet): void {
    this.#subnet = subnet;
    this.#last = this.#highest();
  }

  /** The highest address that is held, or the gateway's. */
  #highest(): number {
    const subnet = this.#subnet;
    const taken = this.#store
      .all()
      .map(({ address }) => parseAddress(address))
      .filter((address) => address !== undefined && contains(subnet, address)) as number[];
    return taken.reduce((highest, address) => Math.max(highest, address), subnet.base + 1);
  }

  /** The gateway: the bridge's own address in the subnet. */
  get gateway(): string {
    return formatAddress(this.#subnet.base + 1);
  }

  /** Takes a free address for the pod. RESOURCE_EXHAUSTED when there is none. */
  take(sandboxId: string): string {
    const total = size(this.#subnet);
    const { base } = this.#subnet;
    for (let step = 1; step <= total; step++) {
      const candidate = base + ((this.#last - base + step) % total);
      const offset = candidate - base;
      if (offset < 2 || offset === total - 1) continue;
      const address = formatAddress(candidate);
      if (this.#rests(address) || !this.#store.take(address, sandboxId)) continue;
      this.#last = candidate;
      return address;
    }
    for (const address of this.#resting.keys()) {
      this.#resting.delete(address);
      if (this.#store.take(address, sandboxId)) return address;
    }
    throw new LichenError({
      code: "RESOURCE_EXHAUSTED",
      operation: "allocate pod address",
      object: formatSubnet(this.#subnet),
      reason: "every address is taken",
      hint: "remove pods, or set network.subnet to a larger network",
    });
  }

  release(sandboxId: string): void {
    for (const address of this.#store.release(sandboxId)) {
      this.#resting.delete(address);
      this.#resting.set(address, this.#now());
    }
  }

  #rests(address: string): boolean {
    const since = this.#resting.get(address);
    if (since === undefined) return false;
    if (this.#now() - since < restMs) return true;
    this.#resting.delete(address);
    return false;
  }

  /** Gives back what pods other than these hold: a daemon that died may have left something. */
  keepOnly(sandboxIds: readonly string[]): void {
    const living = new Set(sandboxIds);
    for (const { sandboxId } of this.#store.all()) if (!living.has(sandboxId)) this.release(sandboxId);
  }
}
