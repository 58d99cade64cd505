import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { runSession } from "../../../src/cli/streams/session.ts";
import { Sink } from "../../runtime/streams/clients.ts";

/** An unmasked frame of a server (RFC 6455, section 5.2) with fewer than 126 bytes. */
function frame(opcode: number, ...parts: (string | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  return Buffer.concat([Buffer.of(0x80 | opcode, body.length), body]);
}

const message = (channel: number, text: string) => frame(2, Buffer.of(channel), text);
const goodbye = frame(8, Buffer.of(0x03, 0xe8));
const success = JSON.stringify({ metadata: {}, status: "Success" });

/** A server whose whole answer, from the handshake's to the last frame's, is one packet; `respond` gets what that is to be. */
async function answering(frames: Buffer[], respond: (socket: Socket, answer: Buffer) => void) {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (request: Buffer) => {
      const key = /^sec-websocket-key: *(\S+)/im.exec(request.toString())?.[1];
      const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      const head =
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n`;
      respond(socket, Buffer.concat([Buffer.from(head), ...frames]));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/exec/token`,
    [Symbol.dispose]: () => void server.close(),
  };
}

async function session(url: string): Promise<{ code: number; text: string }> {
  const stdout = new PassThrough();
  const text = buffer(stdout);
  const code = await runSession(url, { stdout }).finally(() => stdout.end());
  return { code, text: (await text).toString() };
}

test("a session whose every byte comes with the handshake's answer is heard from its first byte", async () => {
  const frames = [message(1, ""), message(1, "all at once"), message(3, success), goodbye];
  using server = await answering(frames, (socket, answer) => socket.end(answer));
  assert.deepEqual(await session(server.url), { code: 0, text: "all at once" });
});

test("a connection that is cut is no end of the command", async () => {
  using server = await answering([message(1, "half")], (socket, answer) => socket.end(answer));
  await assert.rejects(session(server.url), { code: "UNAVAILABLE", reason: /ended without a status/ });
  using reset = await answering([message(1, "half")], (socket, answer) => {
    socket.write(answer, () => socket.resetAndDestroy());
  });
  await assert.rejects(session(reset.url), { code: "UNAVAILABLE" });
});

test("a frame that is none breaks the session off, with the reason", async () => {
  using server = await answering([Buffer.of(0xff, 0)], (socket, answer) => socket.write(answer));
  await assert.rejects(session(server.url), { code: "UNAVAILABLE", reason: /broke: / });
});

/** A server that sends `frames` in one packet with the handshake's answer and ends its side when the client closes the session. */
const untilLeft = (frames: Buffer[]) =>
  answering(frames, (socket, answer) => {
    socket.write(answer);
    socket.once("data", () => socket.end(goodbye));
  });

test("who leaves at the first byte, which comes with the handshake's answer, has left", {
  timeout: 10_000,
}, async () => {
  using server = await untilLeft([message(1, ""), message(1, "x")]);
  const stdout = new Sink();
  const detach = new AbortController();
  const left = runSession(server.url, { stdout, detach: detach.signal });
  await stdout.until((text) => text === "x");
  detach.abort();
  assert.equal(await left, 0);
});

test("who has left before the session stood has left", { timeout: 10_000 }, async () => {
  using server = await untilLeft([]);
  assert.equal(await runSession(server.url, { stdout: new Sink(), detach: AbortSignal.abort() }), 0);
});
