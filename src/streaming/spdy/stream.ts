import { Duplex } from "node:stream";
import type { ResetStatus } from "./frames.ts";
import { resetStatus } from "./frames.ts";
import type { Headers } from "./headers.ts";

/** What a stream needs of its connection. */
export interface StreamCarrier {
  /** Calls back when the chunk has been handed to the kernel, and its memory is free again; or when the connection has ended. */
  sendData(streamId: number, chunk: Buffer, taken: () => void): void;
  sendFin(streamId: number): void;
  reset(stream: SpdyStream, status: ResetStatus): void;
  /** The stream takes data again after it had too much. */
  unblocked(): void;
  /** Both halves are closed, or it was reset. */
  gone(stream: SpdyStream): void;
}

/**
 * One stream of a SPDY connection. `end()` closes our half (FIN), `end` is the peer's; `destroy()` before both have ended resets it.
 * It never emits `error`: a stream that the peer resets, or whose connection ends, is destroyed without one.
 */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: Headers;
  readonly #carrier: StreamCarrier;
  /** The peer has too much unread data here; the connection reads no more meanwhile. */
  blocked = false;
  #remoteEnded = false;
  #finSent = false;
  #silent = false;

  constructor(carrier: StreamCarrier, id: number, headers: Headers, highWaterMark: number) {
    super({ readableHighWaterMark: highWaterMark, writableHighWaterMark: 64 * 1024, decodeStrings: true });
    this.#carrier = carrier;
    this.id = id;
    this.headers = headers;
    this.on("error", () => {});
  }

  /** From the connection: bytes that the peer sent. False when there are more than the stream should hold. */
  receive(part: Buffer, fin: boolean): boolean {
    if (this.#remoteEnded || this.destroyed) return true;
    if (part.length > 0 && !this.push(part)) this.blocked = true;
    if (fin) this.remoteEnd();
    return !this.blocked;
  }

  /** From the connection: the peer has closed its half. */
  remoteEnd(): void {
    if (this.#remoteEnded) return;
    this.#remoteEnded = true;
    this.push(null);
  }

  /** From the connection: reset by the peer, or the connection is gone. Nothing is sent any more. */
  lost(): void {
    this.#silent = true;
    this.destroy();
  }

  /** Closes the stream at once in both directions. */
  reset(status: ResetStatus): void {
    if (!this.#silent && !this.destroyed) this.#carrier.reset(this, status);
    this.lost();
  }

  override _read(): void {
    if (!this.blocked) return;
    this.blocked = false;
    this.#carrier.unblocked();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.#carrier.sendData(this.id, chunk, callback);
  }

  override _final(callback: () => void): void {
    this.#finSent = true;
    this.#carrier.sendFin(this.id);
    callback();
  }

  override _destroy(_error: Error | null, callback: (error: null) => void): void {
    if (!this.#silent && !(this.#remoteEnded && this.#finSent)) this.#carrier.reset(this, resetStatus.cancel);
    if (this.blocked) {
      this.blocked = false;
      this.#carrier.unblocked();
    }
    this.#carrier.gone(this);
    callback(null);
  }
}
