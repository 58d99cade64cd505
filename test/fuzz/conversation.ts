import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { frameType } from "../../src/streaming/spdy/frames.ts";
import { FrameReader } from "../../src/streaming/spdy/reader.ts";

/** How long an answer to the ping may take before the bytes before it count as a frame that has swallowed it. */
const quietMilliseconds = 300;
/** How long a server may take to close a connection whose client has gone. */
const patienceMilliseconds = 10_000;
const headEnd = Buffer.from("\r\n\r\n");

/** What came back of one session. */
export class Answered {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The bytes behind the HTTP answer, which must be an upgrade. */
  #behindHead(): Buffer {
    const end = this.#bytes.indexOf(headEnd);
    assert.match(this.#bytes.toString("latin1", 0, Math.max(end, 0)), /^HTTP\/1\.1 101 /);
    return this.#bytes.subarray(end + headEnd.length);
  }

  /** Whatever the client said, these are SPDY frames, and the last one of a connection that was given up is GOAWAY. */
  expectSpdy(): void {
    const seen: number[] = [];
    const reader = new FrameReader(
      { control: ({ type }) => seen.push(type), data: () => seen.push(-1) },
      1 << 16,
    );
    reader.read(this.#behindHead());
    const away = seen.indexOf(frameType.goAway);
    assert.ok(away < 0 || away === seen.length - 1, `frames behind GOAWAY: ${seen.slice(away)}`);
  }

  /** Whatever the client said, these are unmasked WebSocket frames, and none is behind a close. */
  expectWebSocket(): void {
    const bytes = this.#behindHead();
    for (let at = 0, closed = false; at < bytes.length; ) {
      assert.ok(!closed, "a frame behind a close");
      if (at + 2 > bytes.length) return;
      const [first = 0, second = 0] = bytes.subarray(at, at + 2);
      assert.ok(
        [0x82, 0x81, 0x88, 0x89, 0x8a].includes(first) && second < 128,
        `a frame that begins with ${first}, ${second}`,
      );
      const length =
        second < 126
          ? second
          : second === 126
            ? bytes.readUInt16BE(at + 2)
            : Number(bytes.readBigUInt64BE(at + 2));
      closed = first === 0x88;
      at += 2 + (second < 126 ? 0 : second === 126 ? 2 : 8) + length;
    }
  }
}

/** One raw connection to the streaming server. */
export class Conversation {
  readonly #socket: Socket;
  readonly #parts: Buffer[] = [];
  readonly #request: Buffer;

  constructor(socket: Socket, path: string, upgrade: string) {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("data", (part: Buffer) => this.#parts.push(part));
    this.#request = Buffer.from(
      `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n${upgrade}\r\n\r\n`,
    );
  }

  /**
   * Sends the bytes in two pieces, the first one with the request for the upgrade or after its answer, then a ping, and waits for an answer or for the end; then goes. Fails when the server does not let go of
   * the connection.
   */
  async say(bytes: Buffer, cut: number, ping: Buffer): Promise<Answered> {
    const socket = this.#socket;
    const closed = once(socket, "close").catch(() => {});
    const place = bytes.length === 0 ? 0 : cut % bytes.length;
    const early = cut % 2 === 0 ? place : 0;
    socket.write(Buffer.concat([this.#request, bytes.subarray(0, early)]));
    await Promise.race([once(socket, "data").catch(() => {}), closed]);
    socket.write(bytes.subarray(early, place));
    socket.write(bytes.subarray(place));
    socket.write(ping);
    for (let heard = -1; heard !== this.#parts.length; ) {
      heard = this.#parts.length;
      const quiet = new Promise((resolve) => setTimeout(resolve, quietMilliseconds));
      await Promise.race([once(socket, "data").catch(() => {}), closed, quiet]);
      if (socket.destroyed) break;
    }
    socket.end();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((_resolve, reject) => {
      timer = setTimeout(
        () => reject(new Error("the server holds on to the connection")),
        patienceMilliseconds,
      );
    });
    await Promise.race([closed, late]).finally(() => clearTimeout(timer));
    return new Answered(Buffer.concat(this.#parts));
  }
}
