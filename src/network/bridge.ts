import { isIPv6 } from "node:net";
import type { PodSandboxConfig } from "#cri";
import { asLichenError, explain, LichenError } from "../errors.ts";
import type { AddressPool } from "./addresses.ts";
import { bandwidthOf } from "./bandwidth.ts";
import type {
  Attachment,
  NetworkDriver,
  NetworkRequest,
  NetworkState,
  PodNamespace,
  Preparation,
} from "./driver.ts";
import { explainWithoutNftables, nftablesHint } from "./nftables.ts";
import { formatRange, type PodRange, rangeFor } from "./pod-range.ts";
import type { Subnet } from "./subnet.ts";
import { beside } from "./subnet6.ts";

/** What the built-in network needs of the kernel: src/native/network.ts, or a stand-in. */
export interface BridgeKernel {
  ensureBridge(bridge: { name: string; addresses: string[]; mtu: number }): Promise<void>;
  masquerade(rule: { table: string; sources: string[]; exceptBridge: string }): Promise<void>;
  setForwarding(on: boolean, families: readonly ("ipv4" | "ipv6")[]): void;
  isolatePorts(rule: { table: string; bridge: string }): Promise<void>;
  removeTable(name: string): Promise<void>;
  removeLink(name: string): Promise<void>;
}

export interface BridgeOptions {
  kernel: BridgeKernel;
  pool: AddressPool;
  /** Where the pool's addresses come from at first. */
  range: PodRange;
  /** Notes the range that holds from now on, for the next start. */
  keepRange: (range: PodRange) => void;
  /** Networks that pods' may not overlap. */
  taken: readonly Subnet[];
  /** Whether pods are to be kept from each other. */
  isolate: boolean;
  /** One MTU throughout: that of the uplink. */
  mtu: number;
  /** Whether there is an uplink to masquerade towards. */
  uplink: boolean;
}

const bridgeName = "lichen0";
const tableName = "lichen";
const isolationTable = "lichen-isolation";

/**
 * The built-in pod network: one bridge in the node's network namespace, a veth pair a pod, masquerade towards the uplink. Bridge and rule
 * are made once, when the driver is, so that no pod waits for them; what failed is tried again with the next pod.
 */
export class BridgeNetwork implements NetworkDriver {
  readonly #options: BridgeOptions;
  #range: PodRange;
  #prepared: Promise<void>;
  #failure: LichenError | undefined;
  /** Why packets of pods do not leave the node although there is an uplink. */
  #noWayOut: unknown;

  constructor(options: BridgeOptions) {
    this.#options = options;
    this.#range = options.range;
    this.#prepared = this.#prepare();
  }

  /** Settles when the first attempt to make the bridge has ended, well or not: then state() tells. */
  async settled(): Promise<void> {
    await this.#prepared;
  }

  state(): NetworkState {
    if (this.#failure !== undefined) {
      return { ready: false, reason: "BridgeNotMade", message: explain(this.#failure) };
    }
    const why = this.#noWayOut;
    if (why === undefined) return { ready: true, reason: "", message: "" };
    const message = `pods reach nothing beyond this node: ${explainWithoutNftables(why)}`;
    return {
      ready: true,
      reason: "",
      message: "",
      lacks: [{ type: "PodUplink", reason: "NoMasquerade", message }],
    };
  }

  check(config: PodSandboxConfig): void {
    bandwidthOf(config.annotations);
  }

  async prepare({ sandboxId, config }: NetworkRequest): Promise<Preparation> {
    await this.#prepared;
    if (this.#failure !== undefined || this.#noWayOut !== undefined) {
      this.#prepared = this.#prepare();
      await this.#prepared;
    }
    if (this.#failure !== undefined) throw this.#failure;
    const { pool, mtu, isolate } = this.#options;
    const { subnet, subnet6 } = this.#range;
    const address = pool.take(sandboxId);
    const ips = [address, ...(subnet6 === undefined ? [] : [beside(subnet6, subnet, address)])];
    return {
      interface: {
        bridge: bridgeName,
        host: hostEnd(sandboxId),
        name: "eth0",
        addresses: ips.map((ip) => this.#withPrefix(ip)),
        gateways: this.#gateways(),
        mtu,
        isolated: isolate,
        ...bandwidthOf(config.annotations),
      },
      ips,
    };
  }

  /** The bridge's own addresses, one of each family. */
  #gateways(): string[] {
    const { pool } = this.#options;
    const { subnet, subnet6 } = this.#range;
    return [pool.gateway, ...(subnet6 === undefined ? [] : [beside(subnet6, subnet, pool.gateway)])];
  }

  #withPrefix(ip: string): string {
    return `${ip}/${isIPv6(ip) ? 64 : this.#range.subnet.prefix}`;
  }

  /** The monitor has made the interface with its addresses: nothing is left to do. */
  async attach(
    _request: NetworkRequest,
    _namespace: PodNamespace,
    { ips }: Preparation,
  ): Promise<Attachment> {
    return { ips };
  }

  /** Nobody but the kernel keeps this network: what it has made stays as long as the namespace. */
  async verify(): Promise<void> {}

  /** The interface goes with the namespace: deleting it would keep the caller waiting for tens of milliseconds. */
  async detach(): Promise<void> {}

  async release(sandboxId: string): Promise<void> {
    this.#options.pool.release(sandboxId);
  }

  /** The cluster's range takes the place of the node's own, once no pod has an address of that. */
  async usePodCidrs(cidrs: readonly string[]): Promise<void> {
    await this.#prepared;
    const { pool, kernel, taken, keepRange } = this.#options;
    const range = rangeFor(cidrs, this.#range, taken);
    if (range === this.#range) return;
    const holders = pool.held;
    if (holders > 0) {
      throw new LichenError({
        code: "FAILED_PRECONDITION",
        operation: "use pod CIDR",
        object: cidrs.join(","),
        reason: `${holders} pods have addresses of ${formatRange(this.#range).join(" and ")}`,
        hint: "it is taken as soon as it is told again when they are gone; a kubelet tells it with each of its reports",
      });
    }
    keepRange(range);
    pool.move(range.subnet);
    this.#range = range;
    // Its addresses go with it.
    this.#prepared = kernel
      .removeLink(bridgeName)
      .catch(() => {})
      .then(() => this.#prepare());
    await this.#prepared;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async recover(living: readonly string[]): Promise<void> {
    this.#options.pool.keepOnly(living);
  }

  async #prepare(): Promise<void> {
    const { kernel, mtu, uplink, isolate } = this.#options;
    const { subnet6 } = this.#range;
    try {
      const addresses = this.#gateways().map((ip) => this.#withPrefix(ip));
      await kernel.ensureBridge({ name: bridgeName, addresses, mtu });
      this.#noWayOut = uplink ? await this.#masquerade() : undefined;
      // Untranslated packets would reach the uplink, which takes all pods for one and mixes up their answers.
      const families = subnet6 === undefined ? (["ipv4"] as const) : (["ipv4", "ipv6"] as const);
      kernel.setForwarding(this.#noWayOut === undefined, families);
      if (isolate) await kernel.isolatePorts({ table: isolationTable, bridge: bridgeName });
      // Left by a daemon that was configured otherwise.
      else await kernel.removeTable(isolationTable).catch(() => {});
      this.#failure = undefined;
    } catch (error) {
      const cause = asLichenError(error);
      this.#failure = new LichenError({
        code: "FAILED_PRECONDITION",
        operation: "make the pod network",
        object: bridgeName,
        reason: cause.message,
        hint:
          cause.hint ??
          `sudo modprobe -a bridge veth${isolate ? "; for isolate_pods also " + nftablesHint : ""}`,
        cause,
      });
    }
  }

  /** Gives why it cannot be: pods still reach each other and are reached by host ports then, as on a node without an uplink, and Status tells. */
  async #masquerade(): Promise<unknown> {
    const rule = { table: tableName, sources: formatRange(this.#range), exceptBridge: bridgeName };
    try {
      await this.#options.kernel.masquerade(rule);
      return undefined;
    } catch (error) {
      return error;
    }
  }
}

/** The host end's name: at most 15 characters (IFNAMSIZ), and found again by the pod's id. */
export function hostEnd(sandboxId: string): string {
  return `lc${sandboxId.slice(0, 12)}`;
}
