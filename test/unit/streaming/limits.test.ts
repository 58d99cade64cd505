import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { deflateSync } from "node:zlib";
import WebSocket from "ws";
import { StreamingServer } from "../../../src/streaming/server.ts";
import { headerDictionary } from "../../../src/streaming/spdy/dictionary.ts";
import { flagFin, frameType, goAwayStatus } from "../../../src/streaming/spdy/frames.ts";
import { HeaderDeflater } from "../../../src/streaming/spdy/headers.ts";
import { type ControlFrame, FrameReader } from "../../../src/streaming/spdy/reader.ts";

let forwarded = 0;
const server = new StreamingServer({
  handlers: {
    // Ends with its client.
    exec: (_request, { closed }) =>
      new Promise((resolve) => closed.addEventListener("abort", () => resolve(0))),
    attach: async () => {},
    portForward: async ({ closed }) => {
      forwarded++;
      if (!closed.aborted) await once(closed, "abort");
    },
  },
  limits: { streams: 64, tokens: 3, tokenLifetime: 300, message: 1000, connections: 20 },
});
before(() => server.listen());
after(() => server.close());

const execRequest = {
  containerId: "c",
  command: ["0"],
  tty: false,
  stdin: false,
  stdout: true,
  stderr: false,
};
const forwardUrl = () => server.portForwardUrl({ podSandboxId: "p", ports: [80] });

/** The control frames that a port-forward session answers to these bytes, until the server ends it. */
async function answers(bytes: Iterable<Buffer>): Promise<ControlFrame[]> {
  const { port, hostname, pathname } = new URL(forwardUrl());
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  socket.write(
    `POST ${pathname} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: portforward.k8s.io\r\n\r\n`,
  );
  const [head] = (await once(socket, "data")) as [Buffer];
  assert.match(String(head), /^HTTP\/1\.1 101 /);
  const frames: ControlFrame[] = [];
  const reader = new FrameReader({ control: (frame) => frames.push(frame), data: () => {} }, 1 << 16);
  socket.on("data", (part: Buffer) => reader.read(part));
  const ended = once(socket, "close");
  for (const part of bytes) {
    if (socket.destroyed) break;
    if (!socket.write(part)) await Promise.race([once(socket, "drain").catch(() => {}), ended]);
  }
  await ended;
  return frames;
}

/** Whether the connection was ended with GOAWAY, and why. */
function goAwayOf(frames: ControlFrame[]): number | undefined {
  const last = frames.at(-1);
  return last?.type === frameType.goAway ? last.body.readUInt32BE(4) : undefined;
}

function control(type: number, content: Buffer, flags = 0): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(0x80030000 + type);
  head.writeUInt32BE(flags * 0x1000000 + content.length, 4);
  return Buffer.concat([head, content]);
}

function synStream(id: number, block: Buffer, flags = 0): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt32BE(id);
  return control(frameType.synStream, Buffer.concat([head, block]), flags);
}

test("a header bomb ends the connection, in little memory", async () => {
  // 40 MB in 40 kB.
  const bomb = deflateSync(Buffer.alloc(40 << 20), { dictionary: headerDictionary });
  assert.ok(bomb.length < 1 << 16);
  const before = process.memoryUsage().rss;
  assert.equal(goAwayOf(await answers([synStream(1, bomb)])), goAwayStatus.protocolError);
  assert.ok(process.memoryUsage().rss - before < 20e6);
});

test("a hundred thousand headers, or one that is no text, end the connection", async () => {
  const many = Buffer.alloc(4 + 100_000 * 8);
  many.writeUInt32BE(100_000);
  for (const block of [
    many.subarray(0, 60_000),
    Buffer.from("rubbish"),
    Buffer.from([0, 0, 0, 1, 0, 0, 0, 9, 1]),
  ]) {
    const packed = deflateSync(block, { dictionary: headerDictionary });
    assert.equal(goAwayOf(await answers([synStream(1, packed)])), goAwayStatus.protocolError);
  }
});

test("a control frame of 16 MB is refused by its head", async () => {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(0x80030001);
  head.writeUInt32BE(0xffffff, 4);
  assert.equal(goAwayOf(await answers([head])), goAwayStatus.protocolError);
});

test("of a hundred thousand streams as many as are allowed are opened, others refused, and then all is ended", async () => {
  const deflater = new HeaderDeflater();
  function* streams() {
    for (let index = 0; index < 50_000; index++) {
      for (const [at, type] of ["error", "data"].entries()) {
        const headers = new Map([
          ["streamtype", type],
          ["port", "80"],
          ["requestid", String(index)],
        ]);
        yield synStream(index * 4 + at * 2 + 1, deflater.deflate(headers));
      }
    }
  }
  forwarded = 0;
  const frames = await answers(streams());
  const count = (type: number) => frames.filter((frame) => frame.type === type).length;
  assert.deepEqual([count(frameType.synReply), count(frameType.rstStream)], [64, 64]);
  assert.equal(goAwayOf(frames), goAwayStatus.protocolError);
  assert.equal(forwarded, 32);
});

test("streams that are opened and ended again and again may be as many as one likes", async () => {
  const deflater = new HeaderDeflater();
  function* streams() {
    // Refused at once for want of a type, and so never open at the same time.
    for (let index = 0; index < 2_000; index++)
      yield synStream(index * 2 + 1, deflater.deflate(new Map()), flagFin);
    yield control(frameType.goAway, Buffer.alloc(8));
  }
  const frames = await answers(streams());
  assert.equal(frames.filter(({ type }) => type === frameType.synReply).length, 2_000);
  assert.equal(goAwayOf(frames), undefined);
});

test("a WebSocket message above the limit is answered with 1009, an unknown channel's close with 1002", async () => {
  const codeAfter = async (message: Buffer) => {
    const socket = new WebSocket(server.execUrl({ ...execRequest, stdin: true }), "v5.channel.k8s.io");
    await once(socket, "open");
    socket.send(message);
    const [code] = (await once(socket, "close")) as [number];
    return code;
  };
  assert.equal(await codeAfter(Buffer.alloc(1001)), 1009);
  assert.equal(await codeAfter(Buffer.of(255, 9)), 1002);
});

test("a token that is too old is 404, and the cache is bounded", async () => {
  const url = server.execUrl(execRequest);
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.equal((await fetch(url)).status, 404);
  for (let count = 0; count < 3; count++) server.execUrl(execRequest);
  assert.throws(() => server.execUrl(execRequest), { code: "RESOURCE_EXHAUSTED" });
});

test("more connections than are allowed are closed at once", async () => {
  await new Promise((resolve) => setTimeout(resolve, 350));
  const { port, hostname } = new URL(server.execUrl(execRequest));
  const sockets = Array.from({ length: 30 }, () => connect(Number(port), hostname).on("error", () => {}));
  let closed = 0;
  for (const socket of sockets) socket.once("close", () => closed++);
  for (let tries = 0; closed < 10 && tries < 100; tries++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(closed >= 10 && closed < 30, `${closed} of 30 were closed`);
  for (const socket of sockets) socket.destroy();
});
