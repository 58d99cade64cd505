import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import fc from "fast-check";
import WebSocket from "ws";
import { LichenError } from "../../../src/errors.ts";
import { StreamingServer } from "../../../src/streaming/server.ts";
import type { CommandStreams, ExecRequest } from "../../../src/streaming/types.ts";

/** A command that says everything back, then ends with the code that its name says. */
async function echo({ command }: ExecRequest, streams: CommandStreams): Promise<number> {
  const [name = ""] = command;
  if (name === "fail")
    throw new LichenError({ code: "NOT_FOUND", operation: "run", object: name, reason: "no such" });
  if (streams.stdin && streams.stdout) {
    streams.stdin.pipe(streams.stdout);
    await once(streams.stdout, "finish");
  }
  return Number(name);
}

const server = new StreamingServer({
  handlers: {
    exec: echo,
    attach: async () => {},
    portForward: async ({ connection }) => {
      connection.pipe(connection);
      await once(connection, "close");
    },
  },
});
let port = 0;
before(async () => {
  port = await server.listen();
});
after(() => server.close());

const request = (command: string[], more: Partial<ExecRequest> = {}): ExecRequest => ({
  containerId: "c",
  command,
  tty: false,
  stdin: false,
  stdout: true,
  stderr: false,
  ...more,
});

interface Session {
  stdout: Buffer;
  status: { status: string; message?: string; details?: { causes: { message: string }[] } };
}

/** One session over v5.channel.k8s.io with this input. */
async function session(url: string, input?: Buffer): Promise<Session> {
  const socket = new WebSocket(url, "v5.channel.k8s.io");
  const parts: Buffer[][] = [[], [], [], [], []];
  socket.on("message", (message: Buffer) => parts[message[0] ?? 4]?.push(message.subarray(1)));
  await once(socket, "open");
  if (input) {
    for (let at = 0; at < input.length; at += 60_000)
      socket.send(Buffer.concat([Buffer.from([0]), input.subarray(at, at + 60_000)]));
    socket.send(Buffer.from([255, 0]));
  }
  await once(socket, "close");
  return {
    stdout: Buffer.concat(parts[1] ?? []),
    status: JSON.parse(Buffer.concat(parts[3] ?? []).toString()),
  };
}

test("a URL is absolute, and names the command's kind and a token", () => {
  const url = new URL(server.execUrl(request(["0"])));
  assert.equal(url.host, `127.0.0.1:${port}`);
  assert.match(url.pathname, /^\/exec\/[\w-]{43}$/);
});

test("bytes come back as they were sent, and the end of the input ends the command", async () => {
  const input = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 7) % 251));
  const { stdout, status } = await session(server.execUrl(request(["0"], { stdin: true })), input);
  assert.ok(stdout.equals(input), `${stdout.length} bytes of ${input.length}`);
  assert.equal(status.status, "Success");
});

test("exit codes and failures reach the client", async () => {
  const ended = await session(server.execUrl(request(["42"])));
  assert.equal(ended.status.details?.causes[0]?.message, "42");
  const failed = await session(server.execUrl(request(["fail"])));
  assert.match(failed.status.message ?? "", /run fail: no such/);
});

test("a wrong, used or foreign token is 404, a plain request to a good one 400", async () => {
  const url = server.execUrl(request(["0"]));
  assert.equal((await fetch(url)).status, 400);
  assert.equal((await fetch(url)).status, 404);
  assert.equal((await fetch(url.replace("/exec/", "/attach/"))).status, 404);
  const refused = new WebSocket(url, "v5.channel.k8s.io");
  const [, response] = (await once(refused, "unexpected-response")) as [unknown, { statusCode: number }];
  assert.equal(response.statusCode, 404);
  refused.on("error", () => {}).terminate();
});

test("requests that cannot be are refused before a URL is given", () => {
  const invalid = (error: unknown) => error instanceof LichenError && error.code === "INVALID_ARGUMENT";
  assert.throws(() => server.execUrl(request([])), invalid);
  assert.throws(() => server.execUrl(request(["0"], { tty: true, stderr: true })), invalid);
  assert.throws(() => server.execUrl(request(["0"], { stdout: false })), invalid);
  assert.throws(() => server.execUrl(request(["0"], { containerId: "" })), invalid);
  assert.throws(() => server.portForwardUrl({ podSandboxId: "p", ports: [70_000] }), invalid);
  assert.throws(() => server.portForwardUrl({ podSandboxId: "", ports: [80] }), invalid);
});

/** Upgrades to SPDY and sends these bytes, with the request or after its answer; resolves when the server has closed the connection. */
async function sendOverSpdy(bytes: Uint8Array, withRequest: boolean): Promise<Buffer> {
  const { pathname } = new URL(server.execUrl(request(["0"])));
  const socket = connect(port, "127.0.0.1");
  const received: Buffer[] = [];
  socket.on("data", (part: Buffer) => received.push(part));
  socket.on("error", () => {});
  const upgrade = `POST ${pathname} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n`;
  socket.write(withRequest ? Buffer.concat([Buffer.from(upgrade), bytes]) : upgrade);
  const closed = once(socket, "close");
  await once(socket, "data");
  socket.end(withRequest ? "" : bytes);
  await closed;
  return Buffer.concat(received);
}

test("rubbish over SPDY ends its own connection only", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, withRequest) => {
      assert.match((await sendOverSpdy(bytes, withRequest)).toString("latin1"), /^HTTP\/1\.1 101 /);
    }),
    { numRuns: 120 },
  );
  assert.equal((await session(server.execUrl(request(["0"])))).status.status, "Success");
});

test("a protocol that is not known is refused with those that are", async () => {
  const { pathname } = new URL(server.execUrl(request(["0"])));
  const socket = connect(port, "127.0.0.1");
  socket.write(
    `POST ${pathname} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v0\r\n\r\n`,
  );
  const [answer] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  assert.match(
    answer.toString(),
    /^HTTP\/1\.1 403 .*X-Accepted-Stream-Protocol-Versions: v4\.channel\.k8s\.io/s,
  );
});
