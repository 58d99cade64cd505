import { Channel } from "./channel.ts";
import { connectSocket, type Fd, openDirectory, socketPair } from "./fd.ts";
import { distFile } from "./locate.ts";
import { spawn, watchPid } from "./process.ts";
import { Requests } from "./requests.ts";

const DEADLINE_MS = 10_000;

/** A port to be served: where it leads, and for whom. */
export interface PortTarget {
  pod: string;
  /** PID of the pod's monitor: the port ends with it. */
  monitor: number;
  /** What `hello` calls it again. */
  name: string;
  protocol: "tcp" | "udp";
  /** The pod's addresses, one of each family at most. */
  targets: readonly string[];
  port: number;
  /** Whether the pod is to see the clients' own addresses, for which keepClients() of network.ts must have worked. */
  keepClient: boolean;
  /** The networks in which pods reach each other directly. */
  podNetworks: readonly string[];
}

/** A port that is served. */
export interface PublishedPort {
  pod: string;
  name: string;
  /** Connections and sessions at this moment. */
  clients: number;
}

/** The connection to the node's lichen-ports, which serves host ports and outlives this process: native/ports/service.h. */
export class PortsProcess {
  readonly #channel: Channel;
  readonly #requests = new Requests("");

  private constructor(socket: Fd, onClose: () => void) {
    this.#channel = Channel.from(socket, {
      message: (message, fds) => {
        this.#requests.settle(message as object, fds);
      },
      close: (error) => {
        this.#requests.fail(error);
        onClose();
      },
    });
    this.#channel.unref();
  }

  /** Starts one for the node whose runtime directory this is. It ends when it serves nothing and nobody is connected. */
  static start(runtimeDir: string, onClose: () => void): PortsProcess {
    const [ours, theirs] = socketPair();
    using _theirs = theirs;
    using directory = openDirectory(runtimeDir);
    const child = spawn({
      file: distFile("bin/lichen-ports"),
      args: [],
      env: { LANG: "C.UTF-8" },
      fds: [theirs, directory],
    });
    using pidfd = child.pidfd;
    watchPid(pidfd, () => {}).unref();
    return new PortsProcess(ours, onClose);
  }

  /** Connects to the one that serves; undefined when none does. */
  static connect(runtimeDir: string, onClose: () => void): PortsProcess | undefined {
    using directory = openDirectory(runtimeDir);
    try {
      const socket = connectSocket(`/proc/self/fd/${directory.number}/ports.sock`);
      return new PortsProcess(socket, onClose);
    } catch {
      return undefined;
    }
  }

  async published(): Promise<PublishedPort[]> {
    return (await this.#ask<{ published: PublishedPort[] }>("hello", {})).published;
  }

  /** Serves a port on a listening socket, or one for datagrams, of whichever network. The socket stays the caller's. */
  async publish(target: PortTarget, socket: Fd): Promise<void> {
    await this.#ask("publish", target, [socket]);
  }

  /** Ends every port of the pod, with all connections; fine without any. */
  async unpublish(pod: string): Promise<void> {
    await this.#ask("unpublish", { pod });
  }

  /** Lets go; no close event follows. */
  close(): void {
    this.#channel.close();
    this.#requests.fail(undefined);
  }

  async #ask<T>(op: string, fields: object, fds: readonly Fd[] = []): Promise<T> {
    const { id, reply } = this.#requests.register<T>(`ports ${op}`, DEADLINE_MS);
    try {
      this.#channel.send({ id, op, ...fields }, fds);
    } catch (error) {
      this.#requests.fail(error as never, id);
    }
    const { ok, fds: strays } = await reply;
    for (const stray of strays) stray.close();
    return ok;
  }
}
