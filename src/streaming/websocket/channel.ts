import { Duplex } from "node:stream";

/** What a channel needs of its connection. */
export interface ChannelCarrier {
  /** Sends a message on the channel. Calls back as a SPDY stream's carrier does. */
  sendMessage(channel: number, chunk: Buffer, taken: () => void): void;
  /** We send no more on the channel. */
  sendEnd(channel: number): void;
  /** The channel takes data again after it had too much. */
  unblocked(): void;
}

/** One channel of a WebSocket connection. Never emits `error`. The peer hears of `end()` only where the protocol has a message for it. */
export class ChannelStream extends Duplex {
  readonly #carrier: ChannelCarrier;
  readonly #channel: number;
  /** The peer has too much unread data here; the connection reads no more meanwhile. */
  blocked = false;
  bytesReceived = 0;
  #remoteEnded = false;

  constructor(carrier: ChannelCarrier, channel: number, highWaterMark: number) {
    super({ readableHighWaterMark: highWaterMark, writableHighWaterMark: 64 * 1024, decodeStrings: true });
    this.#carrier = carrier;
    this.#channel = channel;
    this.on("error", () => {});
  }

  /** From the connection: bytes that the peer sent. False when there are more than the channel should hold. */
  receive(part: Buffer): boolean {
    if (this.#remoteEnded || this.destroyed || part.length === 0) return true;
    this.bytesReceived += part.length;
    if (!this.push(part)) this.blocked = true;
    return !this.blocked;
  }

  /** From the connection: the peer sends no more here. */
  remoteEnd(): void {
    if (this.#remoteEnded) return;
    this.#remoteEnded = true;
    this.push(null);
  }

  override _read(): void {
    if (!this.blocked) return;
    this.blocked = false;
    this.#carrier.unblocked();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.#carrier.sendMessage(this.#channel, chunk, callback);
  }

  override _final(callback: () => void): void {
    this.#carrier.sendEnd(this.#channel);
    callback();
  }

  override _destroy(_error: Error | null, callback: (error: null) => void): void {
    this._read();
    callback(null);
  }
}
