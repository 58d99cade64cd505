import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";
import { StreamingServer } from "../../../src/streaming/server.ts";

// A command that has ended without reading its input, and clients that go on sending it.

const server = new StreamingServer({
  handlers: { exec: async () => 3, attach: async () => {}, portForward: async () => {} },
});
before(() => server.listen());
after(() => server.close());

const chunk = Buffer.concat([Buffer.of(0), Buffer.alloc(16_384)]);
const endOfInput = Buffer.of(255, 0);

async function open(): Promise<{ socket: WebSocket; ended: Promise<{ code: number; status: string }> }> {
  const request = { containerId: "c", command: ["x"], tty: false, stdin: true, stdout: true, stderr: false };
  const socket = new WebSocket(server.execUrl(request), "v5.channel.k8s.io");
  let status = "";
  socket.on("message", (message: Buffer) => {
    if (message[0] === 3) status += message.toString("utf8", 1);
  });
  const ended = once(socket, "close").then(([code]) => ({ code: code as number, status }));
  await once(socket, "open");
  return { socket, ended };
}

/** Sends until the input is ended or the server has closed the session. Answers the chunks that went out before that. */
async function send(socket: WebSocket, chunks: number, pauseMs: number): Promise<number> {
  let sent = 0;
  for (; sent < chunks && socket.readyState === WebSocket.OPEN; sent++) {
    await new Promise((resolve) => socket.send(chunk, resolve));
    await sleep(pauseMs);
  }
  if (socket.readyState === WebSocket.OPEN) socket.send(endOfInput);
  return sent;
}

test("a client in the middle of sending may come to its end first, and has the status then", async () => {
  const { socket, ended } = await open();
  assert.equal(await send(socket, 20, 1), 20);
  const { code, status } = await ended;
  assert.equal(code, 1000);
  assert.match(status, /"ExitCode","message":"3"/);
});

test("a client that sends nothing and does not end its input has the status soon", async () => {
  const { ended } = await open();
  const began = performance.now();
  assert.match((await ended).status, /"ExitCode","message":"3"/);
  assert.ok(performance.now() - began < 2_000);
});

test("a client that never comes to an end has the status all the same", async () => {
  const { socket, ended } = await open();
  const sending = send(socket, Number.POSITIVE_INFINITY, 1);
  assert.match((await ended).status, /"ExitCode","message":"3"/);
  assert.ok((await sending) > 1);
});

test("a client that vanishes in the middle is not waited for", async () => {
  const { socket, ended } = await open();
  socket.terminate();
  await ended;
});
