import type { Duplex } from "node:stream";
import type { RawData, WebSocket } from "ws";
import { passed } from "../../native/buffers.ts";
import { PeerWatch } from "../peer-watch.ts";
import { type ChannelCarrier, ChannelStream } from "./channel.ts";
import { isOpen } from "./upgrade.ts";

export interface ChannelOptions {
  channels: number;
  /** A message begins with the channel's number as a byte; else with its digit, and base64 follows. */
  binary: boolean;
  /** Message 255, n from the peer ends channel n (v5.channel.k8s.io). */
  closes: boolean;
  /** The peer is told the ends of our channels the same way. */
  tellsEnds?: boolean;
  /** Bytes that a channel holds unread before the connection stops reading. */
  highWaterMark: number;
  /** Milliseconds without a message after which the connection is destroyed; 0: never. */
  idle: number;
  /** Once: the peer is gone, or close() was called. Every channel is destroyed by then. */
  onClose(): void;
}

const closeChannel = 255;
/** WebSocket close codes (RFC 6455, section 7.4.1). */
const closeCode = { normal: 1000, protocolError: 1002 } as const;

/** Streams over one WebSocket, as k8s.io/streaming/pkg/httpstream/wsstream numbers them. */
export class ChannelConnection implements ChannelCarrier {
  readonly #socket: WebSocket;
  readonly #transport: Duplex;
  readonly #options: ChannelOptions;
  readonly #channels: ChannelStream[];
  readonly #watch: PeerWatch;
  #blocked = 0;
  #ended = false;

  /** `transport`: the TCP or TLS socket below `socket`. */
  constructor(socket: WebSocket, transport: Duplex, options: ChannelOptions) {
    this.#socket = socket;
    this.#transport = transport;
    this.#options = options;
    this.#channels = Array.from(
      { length: options.channels },
      (_, channel) => new ChannelStream(this, channel, options.highWaterMark),
    );
    socket.on("message", (message: RawData) => this.#receive(message as Buffer));
    socket.on("ping", () => this.#watch.active());
    socket.on("close", () => this.#end());
    transport.on("drain", () => this.#watch.active());
    this.#watch = new PeerWatch(
      {
        unheard: () => this.#blocked > 0 && transport.writableLength === 0,
        // Go's clients give up when no pong has come for a minute, and their pings are not read now.
        probe: () => socket.pong(),
        gone: () => socket.terminate(),
      },
      options.idle,
    );
  }

  channel(number: number): ChannelStream {
    const channel = this.#channels[number];
    if (channel === undefined) throw new RangeError(`channel ${number} of ${this.#channels.length}`);
    return channel;
  }

  /** Ends the connection after everything written so far; what still comes is thrown away. */
  close(): void {
    this.#finish(closeCode.normal, "");
  }

  sendMessage(channel: number, chunk: Buffer, taken: () => void): void {
    if (this.#ended || !isOpen(this.#socket)) {
      taken();
      return;
    }
    this.#watch.active();
    const done = () => {
      this.#watch.active();
      taken();
    };
    if (!this.#options.binary) {
      this.#socket.send(`${channel}${chunk.toString("base64")}`, { binary: false }, done);
      return;
    }
    // Written past `ws`, which would want head, channel and payload in one piece; it keeps nothing back that could come later.
    const transport = this.#transport;
    transport.cork();
    transport.write(messageHead(chunk.length + 1, channel));
    transport.write(chunk, done);
    transport.uncork();
  }

  sendEnd(channel: number): void {
    if (this.#options.tellsEnds && !this.#ended && isOpen(this.#socket))
      this.#socket.send(Buffer.of(closeChannel, channel));
  }

  unblocked(): void {
    this.#blocked--;
    if (this.#blocked === 0) this.#socket.resume();
  }

  #receive(message: Buffer): void {
    if (this.#ended || message.length === 0) return;
    passed(message.length);
    this.#watch.active();
    const { binary, closes } = this.#options;
    const first = message[0] as number;
    if (closes && first === closeChannel) {
      const channel = message.length === 2 ? this.#channels[message[1] as number] : undefined;
      if (channel === undefined) this.#finish(closeCode.protocolError, "close of an unknown channel");
      else channel.remoteEnd();
      return;
    }
    const channel = this.#channels[binary ? first : first - 0x30];
    // Messages on channels that are not there are dropped, as Kubernetes does.
    if (channel === undefined) return;
    const wasBlocked = channel.blocked;
    const body = binary ? message.subarray(1) : Buffer.from(message.toString("latin1", 1), "base64");
    if (!channel.receive(body) && !wasBlocked) {
      this.#blocked++;
      this.#socket.pause();
    }
  }

  #finish(code: number, reason: string): void {
    if (this.#ended) return;
    this.#end();
    this.#socket.close(code, reason);
    this.#socket.resume();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#watch.stop();
    for (const channel of this.#channels) channel.destroy();
    this.#options.onClose();
  }
}

/** Head of an unmasked, final binary frame (RFC 6455, section 5.2) of this length, and the payload's first byte. */
function messageHead(length: number, channel: number): Buffer {
  const extended = length < 126 ? 0 : length <= 0xffff ? 2 : 8;
  const head = Buffer.alloc(2 + extended + 1);
  head[0] = 0x82;
  head[1] = extended === 0 ? length : extended === 2 ? 126 : 127;
  if (extended === 2) head.writeUInt16BE(length, 2);
  if (extended === 8) head.writeBigUInt64BE(BigInt(length), 2);
  head[2 + extended] = channel;
  return head;
}
