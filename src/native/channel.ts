import type { LichenError } from "../errors.ts";
import { type Fd, fromAddon, native, type RawChannel } from "./addon.ts";
import { toLichenError } from "./failure.ts";
import { connectSocket } from "./fd.ts";

export interface ChannelHandlers {
  /** One packet: a JSON value, and descriptors that are the handler's to close. */
  message(value: unknown, fds: Fd[]): void;
  /** Once, when the peer has closed or the channel broke; not after close(). */
  close(error: LichenError | undefined): void;
}

/**
 * Packets of JSON with descriptors over a SOCK_SEQPACKET socket. A packet has at most 64 KiB and 16 descriptors. An open
 * channel keeps itself and the process alive; unref() takes the latter away.
 */
export class Channel {
  readonly #raw: RawChannel;
  readonly #handlers: ChannelHandlers;

  /** Takes `fd` over. */
  static from(fd: Fd, handlers: ChannelHandlers): Channel {
    return new Channel(fd, handlers);
  }

  /** Connects to a listening socket, as connectSocket does. */
  static connect(path: string, handlers: ChannelHandlers): Channel {
    return new Channel(connectSocket(path), handlers);
  }

  private constructor(fd: Fd, handlers: ChannelHandlers) {
    this.#handlers = handlers;
    this.#raw = native(
      (raw) =>
        new raw.Channel(
          fd,
          (text, fds) => this.#receive(text, fds),
          (error) => handlers.close(error && (fromAddon(error) as LichenError)),
        ),
    );
  }

  /** Sends one packet, now or as soon as the peer has room. The descriptors stay the caller's, who may close them at once. */
  send(value: unknown, fds: readonly Fd[] = []): void {
    native(() => this.#raw.send(JSON.stringify(value), fds));
  }

  /** Packets that wait for room. */
  get queued(): number {
    return this.#raw.queued;
  }

  /** Ends it without a close event; packets that wait are dropped. May be called again. */
  close(): void {
    this.#raw.close();
  }

  ref(): void {
    this.#raw.setRef(true);
  }

  unref(): void {
    this.#raw.setRef(false);
  }

  #receive(text: string, fds: Fd[]): void {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      for (const fd of fds) fd.close();
      this.close();
      const reason = `the peer sent no JSON: ${(cause as Error).message}`;
      this.#handlers.close(
        toLichenError({ code: "EPROTO", operation: "receive packet", object: "", reason }, cause),
      );
      return;
    }
    this.#handlers.message(value, fds);
  }
}
