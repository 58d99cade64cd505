import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import WebSocket from "ws";
import { StreamingServer } from "../../../src/streaming/server.ts";

const missing = spawnSync("openssl", ["version"]).status === 0 ? false : "no program openssl";

describe("streams over TLS", { skip: missing }, () => {
  const folder = mkdtempSync(join(tmpdir(), "lichen-tls-"));
  const path = (name: string) => join(folder, name);
  const pem = (name: string) => readFileSync(path(name), "utf8");
  let server: StreamingServer;

  before(async () => {
    for (const name of ["server", "client", "stranger"]) {
      const subject = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1"];
      const files = ["-keyout", path(`${name}.key`), "-out", path(`${name}.pem`)];
      const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
      assert.equal(spawnSync("openssl", ["req", ...kind, ...subject, ...files]).status, 0);
    }
    server = new StreamingServer({
      handlers: {
        exec: async (_request, { stdin, stdout }) => {
          if (stdin && stdout) stdin.pipe(stdout);
          if (stdout) await once(stdout, "finish");
          return 5;
        },
        attach: async () => {},
        portForward: async () => {},
      },
      tls: { certificate: pem("server.pem"), key: pem("server.key"), clientCa: pem("client.pem") },
    });
    await server.listen();
  });
  after(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  const url = () =>
    server.execUrl({
      containerId: "c",
      command: ["cat"],
      tty: false,
      stdin: true,
      stdout: true,
      stderr: false,
    });
  const identity = (name: string) => ({
    cert: pem(`${name}.pem`),
    key: pem(`${name}.key`),
    ca: pem("server.pem"),
  });

  it("serves a client with a certificate of the CA, bytes and exit code", async () => {
    assert.match(url(), /^https:\/\/127\.0\.0\.1:\d+\/exec\//);
    const socket = new WebSocket(url(), "v5.channel.k8s.io", identity("client"));
    const parts: Buffer[][] = [[], [], [], [], []];
    socket.on("message", (message: Buffer) => parts[message[0] ?? 4]?.push(message.subarray(1)));
    await once(socket, "open");
    const input = Buffer.alloc(3_000_000, "lichen ");
    for (let at = 0; at < input.length; at += 50_000)
      socket.send(Buffer.concat([Buffer.of(0), input.subarray(at, at + 50_000)]));
    socket.send(Buffer.of(255, 0));
    await once(socket, "close");
    assert.ok(Buffer.concat(parts[1] ?? []).equals(input));
    assert.match(String(Buffer.concat(parts[3] ?? [])), /"message":"5"/);
  });

  for (const [who, options] of [
    ["a client without a certificate", () => ({ ca: pem("server.pem") })],
    ["a client with a stranger's certificate", () => identity("stranger")],
  ] as const) {
    it(`refuses ${who}, and its token stays good`, async () => {
      const good = url();
      await assert.rejects(
        new Promise((resolve, reject) => request(good, options(), resolve).on("error", reject).end()),
        /certificate|alert|ECONNRESET|socket hang up/i,
      );
      const socket = new WebSocket(good, "v5.channel.k8s.io", identity("client"));
      await once(socket, "open");
      socket.terminate();
    });
  }
});
