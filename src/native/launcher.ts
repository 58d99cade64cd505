import { Channel } from "./channel.ts";
import { adoptFd, type Fd } from "./fd.ts";
import { Requests } from "./requests.ts";

/** The descriptor that the launcher starts the daemon with. */
const LAUNCHER_FD = 3;
const LISTEN_DEADLINE_MS = 5_000;

/** The launcher, which stands on the host side of the rootless namespaces. */
export class Launcher {
  readonly #channel: Channel;
  readonly #requests = new Requests("");

  /** Takes over the socket to the launcher; `onClose` when the launcher is gone. Does not keep the process alive. */
  static inherited(onClose: () => void = () => {}): Launcher {
    return new Launcher(adoptFd(LAUNCHER_FD), onClose);
  }

  /** `fd` is taken over. */
  constructor(fd: Fd, onClose: () => void = () => {}) {
    this.#channel = Channel.from(fd, {
      message: (message, fds) => {
        if (!this.#requests.settle(message as object, fds)) for (const stray of fds) stray.close();
      },
      close: (error) => {
        this.#requests.fail(error);
        onClose();
      },
    });
    this.#channel.unref();
  }

  /** A socket in the host's network that listens ("tcp") or receives datagrams ("udp"). Port 0 lets the kernel choose. */
  async listen(
    address: string,
    port: number,
    protocol: "tcp" | "udp" = "tcp",
  ): Promise<{ socket: Fd; port: number }> {
    const request = { address, port, protocol };
    const { ok, fd } = await this.#ask<{ port: number }>("listen", request, LISTEN_DEADLINE_MS);
    return { socket: fd, port: ok.port };
  }

  /** A TCP connection made in the host's network, by the host's own name resolution. UNAVAILABLE when nobody answers. */
  async dial(host: string, port: number, timeoutMs = 30_000): Promise<{ socket: Fd; address: string }> {
    const request = { host, port, timeoutMs };
    const { ok, fd } = await this.#ask<{ address: string }>("dial", request, timeoutMs + LISTEN_DEADLINE_MS);
    return { socket: fd, address: ok.address };
  }

  close(): void {
    this.#channel.close();
    this.#requests.fail(undefined);
  }

  async #ask<T>(op: string, fields: object, deadlineMs: number): Promise<{ ok: T; fd: Fd }> {
    const { id, reply } = this.#requests.register<T>(`launcher ${op}`, deadlineMs);
    try {
      this.#channel.send({ id, op, ...fields });
    } catch (error) {
      this.#requests.fail(error as never, id);
    }
    const { ok, fds } = await reply;
    const [fd, ...more] = fds;
    for (const stray of more) stray.close();
    if (fd) return { ok, fd };
    throw new Error(`launcher answered ${op} without a socket`);
  }
}
