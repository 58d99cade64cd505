import { LichenError } from "../errors.ts";
import type { AddressStore } from "../store/addresses.ts";
import { contains, formatAddress, formatSubnet, parseAddress, type Subnet, size } from "./subnet.ts";

/**
 * Hands out the subnet's addresses to pods, going round so that one just given back is not used again at once (peers may remember it).
 * The first address is the gateway's; first and last are never given. What is taken is in the store before it is answered.
 */
export class AddressPool {
  readonly #subnet: Subnet;
  readonly #store: AddressStore;
  #last: number;

  constructor(subnet: Subnet, store: AddressStore) {
    this.#subnet = subnet;
    this.#store = store;
    const taken = store
      .all()
      .map(({ address }) => parseAddress(address))
      .filter((address) => address !== undefined && contains(subnet, address)) as number[];
    this.#last = taken.reduce((highest, address) => Math.max(highest, address), subnet.base + 1);
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
      if (!this.#store.take(address, sandboxId)) continue;
      this.#last = candidate;
      return address;
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
    this.#store.release(sandboxId);
  }

  /** Gives back what pods other than these hold: a daemon that died may have left something. */
  keepOnly(sandboxIds: readonly string[]): void {
    const living = new Set(sandboxIds);
    for (const { sandboxId } of this.#store.all()) if (!living.has(sandboxId)) this.release(sandboxId);
  }
}
