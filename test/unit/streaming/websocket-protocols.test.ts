import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import WebSocket from "ws";
import { LichenError } from "../../../src/errors.ts";
import { StreamingServer } from "../../../src/streaming/server.ts";
import type { CommandStreams, ExecRequest, TerminalSize } from "../../../src/streaming/types.ts";

// Every form in which Kubernetes has ever put streams on a WebSocket, as its clients write and read them.

const sizes: TerminalSize[] = [];

/** `size` waits for a terminal size and says it; a number ends with it; anything else says its input back, `three` only three bytes of it. */
async function command({ command: [name = ""] }: ExecRequest, streams: CommandStreams): Promise<number> {
  const { stdin, stdout, stderr } = streams;
  if (name === "fail")
    throw new LichenError({ code: "NOT_FOUND", operation: "run", object: name, reason: "no such" });
  if (name === "size") {
    await new Promise<void>((resolve) => {
      streams.onResize((size) => {
        sizes.push(size);
        resolve();
      });
    });
    return 0;
  }
  stderr?.write("to stderr");
  if (/^\d+$/.test(name)) return Number(name);
  let left = name === "three" ? 3 : Number.POSITIVE_INFINITY;
  for await (const chunk of stdin ?? []) {
    const part = (chunk as Buffer).subarray(0, left);
    left -= part.length;
    stdout?.write(part);
    if (left === 0) break;
  }
  return 0;
}

const server = new StreamingServer({
  handlers: {
    exec: command,
    attach: async () => {},
    portForward: async ({ port, connection }) => {
      if (port === 9) throw new Error("nothing listens on port 9");
      connection.write(`port ${port}: `);
      connection.pipe(connection);
      await once(connection, "close");
    },
  },
});
before(() => server.listen());
after(() => server.close());

const request: ExecRequest = {
  containerId: "c",
  command: [],
  tty: false,
  stdin: true,
  stdout: true,
  stderr: true,
};

/** A client that speaks `protocol`; "" asks for none. Channels are numbers as bytes, or digits before base64. */
class Client {
  readonly socket: WebSocket;
  readonly #text: boolean;
  readonly #parts = new Map<number, Buffer[]>();
  readonly closed: Promise<unknown>;

  constructor(url: string, protocol: string) {
    this.#text = protocol.includes("base64");
    this.socket = protocol === "" ? new WebSocket(url) : new WebSocket(url, protocol);
    this.closed = new Promise((resolve) => this.socket.once("close", resolve));
    this.socket.on("message", (message: Buffer, isBinary: boolean) => {
      assert.equal(isBinary, !this.#text);
      const first = message[0] as number;
      const channel = this.#text ? first - 0x30 : first;
      const body = this.#text
        ? Buffer.from(message.subarray(1).toString(), "base64")
        : Buffer.from(message.subarray(1));
      this.#parts.set(channel, [...(this.#parts.get(channel) ?? []), body]);
    });
  }

  send(channel: number, bytes: Buffer | string): void {
    const body = Buffer.from(bytes);
    if (this.#text) this.socket.send(`${channel}${body.toString("base64")}`);
    else this.socket.send(Buffer.concat([Buffer.of(channel), body]));
  }

  received(channel: number): Buffer {
    return Buffer.concat(this.#parts.get(channel) ?? []);
  }

  /** What each message of the channel held. */
  messages(channel: number): string[] {
    return (this.#parts.get(channel) ?? []).map(String);
  }

  async until(so: () => boolean): Promise<void> {
    while (!so()) await once(this.socket, "message", { signal: AbortSignal.timeout(10_000) });
  }
}

async function opened(url: string, protocol: string): Promise<Client> {
  const client = new Client(url, protocol);
  await once(client.socket, "open");
  assert.equal(client.socket.protocol, protocol);
  return client;
}

const everyByte = Buffer.from(Array.from({ length: 1024 }, (_, i) => i % 256));

const commandProtocols = [
  { protocol: "v5.channel.k8s.io", statusObject: true },
  { protocol: "v4.channel.k8s.io", statusObject: true },
  { protocol: "v4.base64.channel.k8s.io", statusObject: true },
  { protocol: "channel.k8s.io", statusObject: false },
  { protocol: "base64.channel.k8s.io", statusObject: false },
  { protocol: "", statusObject: false },
];

for (const { protocol, statusObject } of commandProtocols) {
  describe(`exec over ${protocol === "" ? "no protocol" : protocol}`, () => {
    const exec = (...words: string[]) => opened(server.execUrl({ ...request, command: words }), protocol);

    it("begins with an empty message, and passes every byte both ways", async () => {
      const client = await exec("echo");
      await client.until(() => client.messages(1).length > 0);
      assert.equal(client.messages(1)[0], "");
      client.send(0, everyByte);
      client.send(0, "");
      client.send(0, everyByte);
      await client.until(() => client.received(1).length === 2 * everyByte.length);
      assert.ok(client.received(1).equals(Buffer.concat([everyByte, everyByte])));
      assert.equal(client.received(2).toString(), "to stderr");
      client.socket.terminate();
    });

    it("tells the exit code, as a status object or as text, and closes", async () => {
      const failed = await exec("42");
      await failed.closed;
      const told = failed.received(3).toString();
      if (statusObject) {
        const { status, reason, details } = JSON.parse(told);
        assert.deepEqual([status, reason], ["Failure", "NonZeroExitCode"]);
        assert.deepEqual(details.causes, [{ reason: "ExitCode", message: "42" }]);
      } else assert.match(told, /42/);
      const well = await exec("0");
      await well.closed;
      const success = well.received(3).toString();
      if (statusObject) assert.equal(JSON.parse(success).status, "Success");
      else assert.equal(success, "");
    });

    it("tells a failure in words", async () => {
      const client = await exec("fail");
      await client.closed;
      assert.match(client.received(3).toString(), /run fail: no such/);
    });

    it("ends while input still comes, and ignores channels that it does not have", async () => {
      const client = await exec("three");
      client.send(7, "nobody is there");
      client.send(0, "abcdef");
      await client.closed;
      assert.equal(client.received(1).toString(), "abc");
    });

    it("passes a terminal's size on", async () => {
      const client = await opened(
        server.execUrl({ ...request, command: ["size"], tty: true, stderr: false }),
        protocol,
      );
      client.send(4, JSON.stringify({ Width: 120, Height: 40 }));
      await client.closed;
      assert.deepEqual(sizes.at(-1), { width: 120, height: 40 });
    });
  });
}

it("only v5 has a message for the end of a channel: elsewhere it is data of a channel that is not there", async () => {
  const url = () => server.execUrl({ ...request, command: ["echo"] });
  const v5 = await opened(url(), "v5.channel.k8s.io");
  v5.send(0, "last words");
  v5.send(255, Buffer.of(0));
  await v5.closed;
  assert.equal(v5.received(1).toString(), "last words");
  const v4 = await opened(url(), "v4.channel.k8s.io");
  v4.send(255, Buffer.of(0));
  v4.send(0, "still here");
  await v4.until(() => v4.received(1).toString() === "still here");
  v4.socket.terminate();
});

const forwardProtocols = ["v4.channel.k8s.io", "v4.base64.channel.k8s.io", ""];

for (const protocol of forwardProtocols) {
  describe(`port-forward over ${protocol === "" ? "no protocol" : protocol}`, () => {
    const forward = (...ports: number[]) =>
      opened(server.portForwardUrl({ podSandboxId: "p", ports }), protocol);

    it("has two channels for each port, which begin with its number", async () => {
      const client = await forward(80, 8443);
      await client.until(() => client.received(2).length > 2 && client.received(0).length > 2);
      for (const [channel, port] of [
        [0, 80],
        [1, 80],
        [2, 8443],
        [3, 8443],
      ] as const)
        assert.equal(client.received(channel).readUInt16LE(), port);
      client.send(2, everyByte);
      await client.until(() => client.received(2).length > everyByte.length);
      assert.ok(
        client.received(2).equals(Buffer.concat([port2(8443), Buffer.from("port 8443: "), everyByte])),
      );
      assert.equal(client.received(0).subarray(2).toString(), "port 80: ");
      client.socket.terminate();
    });

    it("says on the error channel why a port cannot be reached", async () => {
      const client = await forward(9);
      await client.closed;
      assert.match(client.received(1).subarray(2).toString(), /nothing listens on port 9/);
    });

    it("needs to know the ports", async () => {
      const refused = new Client(server.portForwardUrl({ podSandboxId: "p", ports: [] }), protocol);
      refused.socket.on("error", () => {});
      const [, response] = (await once(refused.socket, "unexpected-response")) as [
        unknown,
        { statusCode: number },
      ];
      assert.equal(response.statusCode, 400);
      refused.socket.terminate();
    });
  });
}

function port2(port: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(port);
  return bytes;
}
