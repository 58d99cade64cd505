import type { SettingStore } from "../store/settings.ts";
import { formatRange, type PodRange } from "./pod-range.ts";
import { parseSubnet } from "./subnet.ts";
import { parseSubnet6 } from "./subnet6.ts";

const setting = "pod_range";

/**
 * Where pods' addresses come from now: the configured range, or the one that the cluster has given the node since, which a daemon keeps
 * for the next one, because pods outlive it. Another `network.subnet` in the configuration than then wins over what is kept.
 */
export class PodRanges {
  readonly #settings: SettingStore;
  readonly #configuredSubnet: string;
  #current: PodRange;

  /** `configuredSubnet`: network.subnet as it is written; `configured`: what comes of the configuration. */
  constructor(settings: SettingStore, configuredSubnet: string, configured: PodRange) {
    this.#settings = settings;
    this.#configuredSubnet = configuredSubnet;
    this.#current = this.#kept(configured) ?? configured;
  }

  get current(): PodRange {
    return this.#current;
  }

  keep(range: PodRange): void {
    this.#settings.set(setting, [this.#configuredSubnet, ...formatRange(range)].join(" "));
    this.#current = range;
  }

  #kept(configured: PodRange): PodRange | undefined {
    const [then, subnet = "", subnet6 = ""] = this.#settings.get(setting)?.split(" ") ?? [];
    if (then !== this.#configuredSubnet) return undefined;
    // IPv6 may have been switched on or off since.
    return {
      subnet: parseSubnet(subnet),
      subnet6: configured.subnet6 === undefined ? undefined : (parseSubnet6(subnet6) ?? configured.subnet6),
    };
  }
}
