import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";
import { PeerWatch } from "../../../src/streaming/peer-watch.ts";
import { StreamingServer } from "../../../src/streaming/server.ts";
import type { StreamHandlers, StreamLimits } from "../../../src/streaming/types.ts";

// Clients that connect and then say nothing, or not enough.

let begun = 0;
let gone = 0;
const waits = async ({ closed }: { closed: AbortSignal }) => {
  begun++;
  if (!closed.aborted) await once(closed, "abort");
  gone++;
};
const handlers: StreamHandlers = {
  exec: async (_request, streams) => waits(streams).then(() => 0),
  attach: async (_request, streams) => waits(streams),
  portForward: waits,
};
const serving = (limits: Partial<StreamLimits>) => new StreamingServer({ handlers, limits });
const idling = serving({ idle: 300 });
const impatient = serving({ idle: 0, streamCreation: 200 });
before(() => Promise.all([idling.listen(), impatient.listen()]));
after(() => Promise.all([idling.close(), impatient.close()]));

const command = { containerId: "c", command: ["x"], tty: false, stdin: true, stdout: true, stderr: false };

async function overSpdy(url: string, protocol: string): Promise<Socket> {
  const { port, hostname, pathname } = new URL(url);
  const socket = connect(Number(port), hostname);
  const head = "Host: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ";
  socket.write(`POST ${pathname} HTTP/1.1\r\n${head}${protocol}\r\n\r\n`);
  assert.match(String((await once(socket, "data"))[0]), /^HTTP\/1\.1 101 /);
  return socket;
}

/** Milliseconds until the server has ended the connection. */
async function lasting(socket: Socket | WebSocket): Promise<number> {
  const began = performance.now();
  if (!(socket instanceof WebSocket)) socket.resume();
  await once(socket, "close");
  return performance.now() - began;
}

test("a WebSocket client that is silent for too long is let go, and its command hears of it", async () => {
  const socket = new WebSocket(idling.execUrl(command), "v5.channel.k8s.io");
  await once(socket, "open");
  const before = gone;
  const milliseconds = await lasting(socket);
  assert.ok(milliseconds > 250 && milliseconds < 5_000, `after ${milliseconds} ms`);
  // The server hears of its own closing after the client does.
  for (let tries = 0; gone === before && tries < 100; tries++) await sleep(20);
  assert.equal(gone, before + 1);
});

test("one that pings now and then, as Go's do, is kept", async () => {
  const socket = new WebSocket(idling.attachUrl(command), "v5.channel.k8s.io");
  await once(socket, "open");
  for (const end = performance.now() + 1_000; performance.now() < end; await sleep(50)) socket.ping();
  assert.equal(socket.readyState, WebSocket.OPEN);
  await lasting(socket);
});

test("a silent SPDY session is let go", async () => {
  const url = idling.portForwardUrl({ podSandboxId: "p", ports: [80] });
  const milliseconds = await lasting(await overSpdy(url, "portforward.k8s.io"));
  assert.ok(milliseconds > 250 && milliseconds < 5_000, `after ${milliseconds} ms`);
});

test("a client that does not open the streams of its command is let go before anything has begun", async () => {
  const before = begun;
  const milliseconds = await lasting(await overSpdy(impatient.execUrl(command), "v4.channel.k8s.io"));
  assert.ok(milliseconds > 150 && milliseconds < 5_000, `after ${milliseconds} ms`);
  assert.equal(begun, before);
});

test("a peer that is not read from is probed, and one that was active lately is not gone", async () => {
  let [probes, ends, unheard] = [0, 0, false];
  const peer = { unheard: () => unheard, probe: () => probes++, gone: () => ends++ };
  const watch = new PeerWatch(peer, 400);
  const active = async () => {
    for (const end = performance.now() + 800; performance.now() < end; await sleep(20)) watch.active();
  };
  await active();
  assert.deepEqual([probes, ends], [0, 0]);
  unheard = true;
  await active();
  assert.ok(probes > 0);
  assert.equal(ends, 0);
  await sleep(1_000);
  assert.ok(ends > 0);
  watch.stop();
  const last = [probes, ends];
  await sleep(500);
  assert.deepEqual([probes, ends], last);
});
