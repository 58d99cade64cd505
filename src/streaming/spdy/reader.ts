import { headLength, SpdyProtocolError } from "./frames.ts";

export interface ControlFrame {
  type: number;
  flags: number;
  /** Its own memory as long as the receiver wants it. */
  body: Buffer;
}

export interface FrameReceiver {
  control(frame: ControlFrame): void;
  /** A part of a DATA frame, as it came from the network; `fin` with the last part of a frame that ends its stream. */
  data(streamId: number, part: Buffer, fin: boolean): void;
}

const nothing = Buffer.alloc(0);

/**
 * Cuts a byte stream into SPDY frames. DATA is handed on in the pieces that the network brought, uncopied, so frames of any length cost no
 * memory; control frames are collected, and refused above `maximumControlLength`.
 */
export class FrameReader {
  readonly #receiver: FrameReceiver;
  readonly #maximumControlLength: number;
  readonly #head = Buffer.alloc(headLength);
  #headFilled = 0;
  /** Bytes that the present frame's body still lacks. */
  #missing = 0;
  /** The present frame, when it is a control frame. */
  #control: ControlFrame | undefined;
  #streamId = 0;
  #fin = false;

  constructor(receiver: FrameReceiver, maximumControlLength: number) {
    this.#receiver = receiver;
    this.#maximumControlLength = maximumControlLength;
  }

  /** Reads on, and keeps nothing of the chunk's memory. Throws SpdyProtocolError; the reader is of no use afterwards. */
  read(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; )
      at = this.#missing > 0 ? this.#readBody(chunk, at) : this.#readHead(chunk, at);
  }

  #readHead(chunk: Buffer, start: number): number {
    let head = chunk;
    let at = start;
    let end = start + headLength;
    if (this.#headFilled > 0 || end > chunk.length) {
      end = Math.min(start + headLength - this.#headFilled, chunk.length);
      this.#headFilled += chunk.copy(this.#head, this.#headFilled, start, end);
      if (this.#headFilled < headLength) return end;
      this.#headFilled = 0;
      head = this.#head;
      at = 0;
    }
    const first = head.readUInt32BE(at);
    const second = head.readUInt32BE(at + 4);
    this.#begin(first, second >>> 24, second & 0xffffff);
    return end;
  }

  #begin(first: number, flags: number, length: number): void {
    this.#missing = length;
    if (first < 0x80000000) {
      if (first === 0) throw new SpdyProtocolError("DATA on stream 0");
      this.#control = undefined;
      this.#streamId = first;
      this.#fin = (flags & 1) !== 0;
      if (length === 0) this.#receiver.data(first, nothing, this.#fin);
      return;
    }
    const version = (first >>> 16) & 0x7fff;
    if (version !== 3) throw new SpdyProtocolError(`a control frame of SPDY version ${version}`);
    if (length > this.#maximumControlLength)
      throw new SpdyProtocolError(
        `a control frame of ${length} bytes; ${this.#maximumControlLength} are allowed`,
      );
    const frame = {
      type: first & 0xffff,
      flags,
      body: length === 0 ? nothing : Buffer.allocUnsafeSlow(length),
    };
    this.#control = frame;
    if (length === 0) this.#receiver.control(frame);
  }

  #readBody(chunk: Buffer, start: number): number {
    const end = Math.min(start + this.#missing, chunk.length);
    const control = this.#control;
    if (control !== undefined) chunk.copy(control.body, control.body.length - this.#missing, start, end);
    this.#missing -= end - start;
    if (control === undefined)
      this.#receiver.data(this.#streamId, chunk.subarray(start, end), this.#fin && this.#missing === 0);
    else if (this.#missing === 0) this.#receiver.control(control);
    return end;
  }
}
