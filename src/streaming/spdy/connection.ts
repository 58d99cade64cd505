import type { Duplex } from "node:stream";
import { passed } from "../../native/buffers.ts";
import { PeerWatch } from "../peer-watch.ts";
import {
  dataHead,
  flagFin,
  flagUnidirectional,
  frameType,
  goAway,
  goAwayStatus,
  maximumFrameLength,
  ping,
  type ResetStatus,
  resetStatus,
  rstStream,
  SpdyProtocolError,
  synReply,
} from "./frames.ts";
import { HeaderDeflater, HeaderInflater, type Headers } from "./headers.ts";
import { type ControlFrame, FrameReader, type FrameReceiver } from "./reader.ts";
import { SpdyStream, type StreamCarrier } from "./stream.ts";

export interface SpdyOptions {
  /** A stream that the peer opened. Answered with SYN_REPLY before this is called; `reset` it to refuse. */
  onStream(stream: SpdyStream): void;
  /** Once: the connection is closed, or the peer has said that it goes. Every stream is destroyed by then. */
  onClose(): void;
  maximumStreams: number;
  /** Bytes that a stream holds unread before the connection stops reading. */
  highWaterMark: number;
  /** Hands on what the transport reads, in memory that is used again; without it that is the transport's `data`. */
  onChunk?: (listener: (chunk: Buffer) => void) => void;
  /** Milliseconds without a byte in either direction after which the connection is destroyed; 0: never. */
  idle: number;
}

const maximumControlLength = 64 * 1024;
/** Bytes of answers that wait for a peer that does not read; it is not read from meanwhile. */
const maximumUnsent = 1 << 20;
/** Milliseconds that a peer gets to close its side after we have closed ours. */
const lingerTime = 10_000;

/**
 * The server's side of a SPDY/3.1 connection in the dialect of moby/spdystream: no flow-control windows (Go's client keeps none), so a
 * stream that is not read stops the whole connection, by TCP.
 *
 * Any transport will do that is a byte stream with half-close: a TCP or TLS socket, or one tunnelled in WebSocket messages.
 */
export class SpdyConnection implements StreamCarrier, FrameReceiver {
  readonly #transport: Duplex;
  readonly #options: SpdyOptions;
  readonly #reader: FrameReader = new FrameReader(this, maximumControlLength);
  readonly #inflater = new HeaderInflater();
  readonly #deflater = new HeaderDeflater();
  readonly #streams = new Map<number, SpdyStream>();
  #lastStreamId = 0;
  #blocked = 0;
  #unsent = false;
  #gathering = false;
  #refused = 0;
  #paused = false;
  #ended = false;
  #pingId = 0;
  readonly #watch: PeerWatch;

  /** Takes the transport over. `head`: bytes that came behind the HTTP request. */
  constructor(transport: Duplex, head: Buffer, options: SpdyOptions) {
    this.#transport = transport;
    this.#options = options;
    if (options.onChunk) options.onChunk((chunk) => this.#receive(chunk));
    else transport.on("data", (chunk: Buffer) => this.#receive(chunk));
    transport.on("drain", () => this.#drained());
    // A peer that closes its side has closed the connection: Go's client never half-closes.
    transport.on("end", () => this.#gone());
    transport.on("error", () => this.#gone());
    transport.on("close", () => this.#gone());
    this.#watch = new PeerWatch(
      {
        unheard: () => this.#paused && transport.writableLength === 0,
        probe: () => this.#probe(),
        gone: () => this.#gone(),
      },
      options.idle,
    );
    if (head.length > 0) this.#receive(head);
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  /**
   * Ends the connection after everything written so far. What the peer still sends is thrown away: closing with unread bytes would reset the
   * TCP connection, and the peer could lose our last ones.
   */
  close(): void {
    if (this.#ended) return;
    this.#end();
    const transport = this.#transport;
    transport.end();
    transport.resume();
    const linger = setTimeout(() => transport.destroy(), lingerTime);
    transport.once("finish", () => linger.refresh());
    transport.once("end", () => transport.destroy());
    transport.once("close", () => clearTimeout(linger));
  }

  // What streams ask for.

  sendData(streamId: number, chunk: Buffer, taken: () => void): void {
    if (this.#ended) {
      taken();
      return;
    }
    this.#watch.active();
    this.#gather();
    const transport = this.#transport;
    let at = 0;
    for (; chunk.length - at > maximumFrameLength; at += maximumFrameLength) {
      transport.write(dataHead(streamId, maximumFrameLength, 0));
      transport.write(chunk.subarray(at, at + maximumFrameLength));
    }
    transport.write(dataHead(streamId, chunk.length - at, 0));
    transport.write(at === 0 ? chunk : chunk.subarray(at), () => {
      this.#watch.active();
      taken();
    });
  }

  sendFin(streamId: number): void {
    this.#send(dataHead(streamId, 0, flagFin));
  }

  reset(stream: SpdyStream, status: ResetStatus): void {
    this.#send(rstStream(stream.id, status));
  }

  unblocked(): void {
    this.#blocked--;
    this.#flow();
  }

  gone(stream: SpdyStream): void {
    this.#streams.delete(stream.id);
  }

  // What the reader finds.

  data(streamId: number, part: Buffer, fin: boolean): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      // One that has ended may still have data under way; one that never was is the peer's mistake.
      if (streamId > this.#lastStreamId) this.#send(rstStream(streamId, resetStatus.invalidStream));
      return;
    }
    const wasBlocked = stream.blocked;
    if (!stream.receive(part, fin) && !wasBlocked) {
      this.#blocked++;
      this.#flow();
    }
  }

  control({ type, flags, body }: ControlFrame): void {
    // What comes behind the frame that ended the connection says nothing.
    if (this.#ended) return;
    switch (type) {
      case frameType.synStream:
        expect(body.length >= 10, "SYN_STREAM", body);
        this.#open(body.readUInt32BE(0) & 0x7fffffff, flags, this.#inflater.inflate(body.subarray(10)));
        break;
      case frameType.synReply:
      case frameType.headers:
        // Nobody here opens streams, and remotecommand sends no later headers; but every block is part of one zlib stream.
        expect(body.length >= 4, "HEADERS", body);
        this.#inflater.inflate(body.subarray(4));
        if ((flags & flagFin) !== 0) this.#streams.get(body.readUInt32BE(0) & 0x7fffffff)?.remoteEnd();
        break;
      case frameType.rstStream:
        expect(body.length === 8, "RST_STREAM", body);
        this.#streams.get(body.readUInt32BE(0) & 0x7fffffff)?.lost();
        break;
      case frameType.ping:
        expect(body.length === 4, "PING", body);
        // Even ones are ours, come back.
        if ((body.readUInt32BE(0) & 1) === 1) this.#send(ping(body.readUInt32BE(0)));
        break;
      case frameType.goAway:
        expect(body.length === 8, "GOAWAY", body);
        this.close();
        break;
      default:
        // SETTINGS and WINDOW_UPDATE have nothing to say to a sender without windows; unknown types are to be ignored.
        break;
    }
  }

  #open(streamId: number, flags: number, headers: Headers): void {
    if (streamId % 2 === 0 || streamId <= this.#lastStreamId) {
      if (streamId === 0) throw new SpdyProtocolError("SYN_STREAM on stream 0");
      this.#send(rstStream(streamId, resetStatus.protocolError));
      return;
    }
    this.#lastStreamId = streamId;
    if (this.#streams.size >= this.#options.maximumStreams) {
      if (++this.#refused > this.#options.maximumStreams)
        throw new SpdyProtocolError(`more than ${this.#options.maximumStreams} streams, again and again`);
      this.#send(rstStream(streamId, resetStatus.refusedStream));
      return;
    }
    const stream = new SpdyStream(this, streamId, headers, this.#options);
    this.#streams.set(streamId, stream);
    this.#send(synReply(streamId, this.#deflater.deflate(new Map())));
    if ((flags & flagFin) !== 0) stream.remoteEnd();
    if ((flags & flagUnidirectional) !== 0) stream.end();
    this.#options.onStream(stream);
  }

  #receive(chunk: Buffer): void {
    if (this.#ended) return;
    if (!this.#options.onChunk) passed(chunk.length);
    this.#watch.active();
    try {
      this.#reader.read(chunk);
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    if (this.#ended) return;
    const status =
      error instanceof SpdyProtocolError ? goAwayStatus.protocolError : goAwayStatus.internalError;
    this.#send(goAway(this.#lastStreamId, status));
    this.close();
  }

  #send(frame: Buffer): void {
    if (this.#ended) return;
    this.#gather();
    this.#transport.write(frame);
    if (this.#transport.writableLength > maximumUnsent && !this.#unsent) {
      this.#unsent = true;
      this.#flow();
    }
  }

  /** What is sent until the event loop goes on leaves by one call: a command's last words, the ends of its streams and its status. */
  #gather(): void {
    if (this.#gathering) return;
    this.#gathering = true;
    this.#transport.cork();
    process.nextTick(() => {
      this.#gathering = false;
      this.#transport.uncork();
    });
  }

  #drained(): void {
    this.#unsent = false;
    this.#watch.active();
    this.#flow();
  }

  /** Reads on, or stops reading. */
  #flow(): void {
    if (this.#ended) return;
    const pause = this.#blocked > 0 || this.#unsent;
    if (pause === this.#paused) return;
    this.#paused = pause;
    if (pause) this.#transport.pause();
    else this.#transport.resume();
  }

  #probe(): void {
    this.#pingId = (this.#pingId + 2) & 0x7ffffffe || 2;
    this.#send(ping(this.#pingId));
  }

  /** The peer is gone. */
  #gone(): void {
    this.#end();
    this.#transport.destroy();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#watch.stop();
    this.#inflater.close();
    for (const stream of [...this.#streams.values()]) stream.lost();
    this.#options.onClose();
  }
}

function expect(condition: boolean, name: string, body: Buffer): void {
  if (!condition) throw new SpdyProtocolError(`${name} of ${body.length} bytes`);
}
