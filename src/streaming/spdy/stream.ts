import { Duplex, type Writable } from "node:stream";
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

export interface StreamOptions {
  highWaterMark: number;
  /** See SpdyOptions. */
  onChunk?: unknown;
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
  bytesReceived = 0;
  #remoteEnded = false;
  #finSent = false;
  #silent = false;
  /** What comes from the connection lies in memory that is used again. */
  readonly #borrows: boolean;
  #target: Writable | undefined;
  /** Parts that the target has not taken yet. */
  #untaken = 0;

  constructor(
    carrier: StreamCarrier,
    id: number,
    headers: Headers,
    { highWaterMark, onChunk }: StreamOptions,
  ) {
    super({ readableHighWaterMark: highWaterMark, writableHighWaterMark: 64 * 1024, decodeStrings: true });
    this.#carrier = carrier;
    this.id = id;
    this.headers = headers;
    this.#borrows = onChunk !== undefined;
    this.on("error", () => {});
  }

  /** From the connection: bytes that the peer sent. False when there are more than the stream should hold. */
  receive(part: Buffer, fin: boolean): boolean {
    if (this.#remoteEnded || this.destroyed) return true;
    this.bytesReceived += part.length;
    if (part.length > 0) {
      if (this.#target) this.#handOn(this.#target, part);
      else if (!this.push(this.#borrows ? Buffer.from(part) : part)) this.blocked = true;
    }
    if (fin) this.remoteEnd();
    return !this.blocked;
  }

  /** From the connection: the peer has closed its half. */
  remoteEnd(): void {
    if (this.#remoteEnded) return;
    this.#remoteEnded = true;
    this.#target?.end();
    this.push(null);
  }

  /**
   * From now on everything goes to `target` and ends it, by the shortest way: what was read from the network is what is written, and until it
   * is written nothing more is read. When the target fails the rest is dropped.
   */
  into(target: Writable): void {
    for (let part = this.read(); part !== null; part = this.read()) target.write(part);
    // Nothing is there to be read any more but the end.
    this.resume();
    if (this.#remoteEnded) target.end();
    else this.#target = target;
  }

  #handOn(target: Writable, part: Buffer): void {
    if (target.destroyed) return;
    if (this.#untaken === 0) {
      // What one reading has brought is written by one call.
      target.cork();
      process.nextTick(() => target.uncork());
    }
    this.#untaken++;
    this.blocked = true;
    target.write(part, () => {
      this.#untaken--;
      if (this.#untaken === 0) this._read();
    });
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
    if (!this.blocked || this.#untaken > 0) return;
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
