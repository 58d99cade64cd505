import { setTimeout as sleep } from "node:timers/promises";
import { LichenError } from "../errors.ts";
import type { Fd } from "../native/fd.ts";
import type { PortTarget, PublishedPort } from "../native/ports.ts";
import type { NetworkLack } from "./driver.ts";
import { explainWithoutNftables } from "./nftables.ts";
import { describe, hostAddress, overlap, type PortMapping } from "./port-mappings.ts";
import { type BoundSocket, openSockets, type Sides, socketNames } from "./port-sockets.ts";

/** The process that serves ports: src/native/ports.ts, or a stand-in. */
export interface PortServer {
  published(): Promise<PublishedPort[]>;
  publish(target: PortTarget, socket: Fd): Promise<void>;
  unpublish(pod: string): Promise<void>;
  close(): void;
}

export interface HostPortsOptions {
  sides: Sides;
  /** Starts the process; `onClose` when it has ended by itself. */
  start: (onClose: () => void) => PortServer;
  /** Connects to one that an earlier daemon started. */
  connect: (onClose: () => void) => PortServer | undefined;
  /** Prepares the node so that pods see their clients' addresses. */
  keepClients: () => Promise<void>;
  /** The networks in which pods reach each other directly. */
  podNetworks: () => readonly string[];
  log: { warn(fields: object, message: string): void; error(fields: object, message: string): void };
}

/** A pod that has host ports. */
export interface PodPorts {
  sandboxId: string;
  mappings: readonly PortMapping[];
  monitorPid: number;
  ips: readonly string[];
}

interface Held {
  mappings: readonly PortMapping[];
  /** Bound and not yet served. */
  sockets: BoundSocket[];
  served?: PodPorts;
}

const restartMs = 500;
const clientsLost = "pods see the node's address instead of their clients' on host ports";

/**
 * Ports of pods on the host. They are bound before anything of the pod is made, so that a port that is taken is known at once, and
 * served by a process of their own, which outlives this one.
 */
export class HostPorts {
  readonly #options: HostPortsOptions;
  readonly #held = new Map<string, Held>();
  #server: PortServer | undefined;
  #keepClient: Promise<boolean> | undefined;
  /** Why pods do not see their clients' addresses; undefined as long as nothing is known of it. */
  #clientsLost: unknown;
  #closed = false;
  /** One change at a time: starting and ending the process must not overtake each other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: HostPortsOptions) {
    this.#options = options;
  }

  /** Binds the pod's ports. FAILED_PRECONDITION, naming who has it, when one is taken; PERMISSION_DENIED for a privileged one. */
  async reserve(sandboxId: string, mappings: readonly PortMapping[]): Promise<void> {
    if (mappings.length === 0) return;
    for (const mapping of mappings) this.#refuseTaken(mapping);
    const held: Held = { mappings, sockets: [] };
    this.#held.set(sandboxId, held);
    try {
      held.sockets = await openSockets(mappings, this.#options.sides);
    } catch (error) {
      this.#held.delete(sandboxId);
      throw error;
    }
  }

  /** Serves what reserve() has bound; nothing for a pod that it was not called for. */
  async publish(pod: Omit<PodPorts, "mappings">): Promise<void> {
    const held = this.#held.get(pod.sandboxId);
    if (held === undefined) return;
    if (pod.ips.length === 0) {
      throw new LichenError({
        code: "FAILED_PRECONDITION",
        operation: "serve host ports of pod sandbox",
        object: pod.sandboxId,
        reason: "its network gives it no address",
        hint: "set network.driver to another one than none",
      });
    }
    await this.#inTurn(() => this.#serve(held, { ...pod, mappings: held.mappings }));
  }

  /** Ends the pod's ports and their connections; fine when it has none. */
  async unpublish(sandboxId: string): Promise<void> {
    const held = this.#held.get(sandboxId);
    if (held === undefined) return;
    this.#held.delete(sandboxId);
    for (const { socket } of held.sockets) socket.close();
    await this.#inTurn(async () => {
      await this.#server?.unpublish(sandboxId).catch(() => {});
      this.#letGoOfIdleServer();
    });
  }

  /** After a restart: takes over the process that serves, if one does, and serves what these pods lack. */
  async recover(pods: readonly PodPorts[]): Promise<void> {
    await this.#inTurn(async () => {
      this.#server ??= this.#options.connect(() => this.#lost());
      const published = (await this.#server?.published().catch(() => [])) ?? [];
      const living = new Set(pods.map(({ sandboxId }) => sandboxId));
      for (const pod of new Set(published.map((port) => port.pod)))
        if (!living.has(pod)) await this.#server?.unpublish(pod);
      for (const pod of pods) {
        const names = published.filter((port) => port.pod === pod.sandboxId).map(({ name }) => name);
        await this.#retake(pod, names);
      }
      this.#letGoOfIdleServer();
    });
  }

  /** What host ports do without, as far as it has been tried: it is with the first one. */
  lacks(): NetworkLack[] {
    if (this.#clientsLost === undefined) return [];
    const message = `${clientsLost}: ${explainWithoutNftables(this.#clientsLost)}`;
    return [{ type: "HostPortClients", reason: "NoTransparentSockets", message }];
  }

  /** How many clients each host port of a pod has, by describe() of its mapping. */
  async clients(sandboxId: string): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    const held = this.#held.get(sandboxId);
    if (held === undefined) return counts;
    const published = (await this.#server?.published().catch(() => [])) ?? [];
    for (const mapping of held.mappings) {
      const names = socketNames(mapping);
      const own = published.filter(({ pod, name }) => pod === sandboxId && names.includes(name));
      counts.set(
        describe(mapping),
        own.reduce((sum, { clients }) => sum + clients, 0),
      );
    }
    return counts;
  }

  /** Lets go of the process; the ports go on being served. */
  close(): void {
    this.#closed = true;
    this.#server?.close();
    this.#server = undefined;
  }

  #refuseTaken(mapping: PortMapping): void {
    for (const [sandboxId, { mappings }] of this.#held) {
      if (!mappings.some((other) => overlap(mapping, other))) continue;
      throw new LichenError({
        code: "FAILED_PRECONDITION",
        operation: "open host port",
        object: `${hostAddress(mapping.hostIp, mapping.hostPort)}/${mapping.protocol}`,
        reason: `pod sandbox ${sandboxId.slice(0, 12)} has it`,
        hint: "stop that pod, or take another host port",
      });
    }
  }

  async #serve(held: Held, pod: PodPorts): Promise<void> {
    this.#keepClient ??= this.#prepareForClients();
    const keepClient = await this.#keepClient;
    this.#server ??= this.#options.start(() => this.#lost());
    for (const { name, side, mapping, socket } of held.sockets) {
      const target = {
        pod: pod.sandboxId,
        monitor: pod.monitorPid,
        name,
        protocol: mapping.protocol,
        targets: pod.ips,
        port: mapping.containerPort,
        // Clients within the node are the node itself, or pods, which the pod would answer without the node between them.
        keepClient: keepClient && side === "host",
        podNetworks: this.#options.podNetworks(),
      };
      await this.#server.publish(target, socket);
    }
    for (const { socket } of held.sockets) socket.close();
    held.sockets = [];
    held.served = pod;
  }

  async #prepareForClients(): Promise<boolean> {
    try {
      await this.#options.keepClients();
      return true;
    } catch (error) {
      this.#clientsLost = error;
      this.#options.log.warn({ err: error }, clientsLost);
      return false;
    }
  }

  /** Of a living pod: what is served stays as it is; what is missing is bound and served anew. */
  async #retake(pod: PodPorts, served: string[]): Promise<void> {
    const held: Held = { mappings: pod.mappings, sockets: [], served: pod };
    this.#held.set(pod.sandboxId, held);
    const missing = pod.mappings.filter((one) => !socketNames(one).some((name) => served.includes(name)));
    if (missing.length === 0) return;
    try {
      held.sockets = await openSockets(missing, this.#options.sides);
      await this.#serve(held, pod);
    } catch (error) {
      this.#options.log.error({ err: error, pod: pod.sandboxId }, "could not open host ports again");
    }
  }

  /** The process has been killed: another one is started, with every port that was served. */
  #lost(): void {
    this.#server = undefined;
    if (this.#closed || this.#held.size === 0) return;
    this.#options.log.warn({}, "the process that serves host ports has ended; starting it again");
    void sleep(restartMs).then(async () => {
      const pods = [...this.#held.values()].flatMap(({ served }) => (served === undefined ? [] : [served]));
      if (!this.#closed) await this.recover(pods);
    });
  }

  /** The process ends when it serves nothing and nobody is connected. */
  #letGoOfIdleServer(): void {
    if (this.#held.size > 0) return;
    this.#server?.close();
    this.#server = undefined;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }
}
