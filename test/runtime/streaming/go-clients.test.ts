import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { StreamingServer } from "../../../src/streaming/server.ts";
import { createHandlers } from "./handlers.ts";

// Kubernetes' own clients against the streaming server: client-go's remotecommand and portforward, with moby/spdystream below.

const client = join(import.meta.dirname, "../../../.cache/conformance/bin/streamclient");
const missing = existsSync(client) ? false : "no program streamclient: `npm run conformance` builds it";

interface Ended {
  status: number | null;
  stdout: Buffer;
  stderr: string;
}

function start(...args: string[]): ChildProcess {
  return spawn(client, args, { stdio: ["pipe", "pipe", "pipe"] });
}

async function end(child: ChildProcess, input?: Buffer): Promise<Ended> {
  const parts: Buffer[] = [];
  let stderr = "";
  child.stdout?.on("data", (part: Buffer) => parts.push(part));
  child.stderr?.on("data", (part) => {
    stderr += part;
  });
  child.stdin?.on("error", () => {});
  child.stdin?.end(input);
  const [status] = await once(child, "close");
  return { status, stdout: Buffer.concat(parts), stderr };
}

describe("Kubernetes' own clients", { skip: missing }, () => {
  const handlers = createHandlers();
  const server = new StreamingServer({ handlers });

  before(() => server.listen());
  after(() => server.close());

  const url = (command: string[], tty = false) =>
    server.execUrl({ containerId: "c", command, tty, stdin: true, stdout: true, stderr: !tty });
  const settled = async () => {
    for (let tries = 0; handlers.running > 0 && tries < 100; tries++) await sleep(100);
    assert.equal(handlers.running, 0, "a command outlives its client");
  };

  for (const protocol of ["spdy", "websocket"]) {
    describe(protocol, () => {
      it("passes input and output unchanged, with half-close", async () => {
        const input = randomBytes(8 << 20);
        const { status, stdout, stderr } = await end(start("exec", protocol, url(["cat"])), input);
        assert.deepEqual(
          { status, stderr, length: stdout.length },
          { status: 0, stderr: "", length: input.length },
        );
        assert.ok(stdout.equals(input));
      });

      it("tells the command the end of its input", async () => {
        const input = randomBytes(3 << 20);
        const { stdout } = await end(start("exec", protocol, url(["digest"])), input);
        assert.equal(String(stdout), `${input.length} ${createHash("sha256").update(input).digest("hex")}`);
      });

      it("keeps the outputs apart and the exit code exact, when nobody reads the input", async () => {
        const ended = await end(start("exec", protocol, url(["both"])), randomBytes(1 << 20));
        assert.deepEqual(
          { ...ended, stdout: String(ended.stdout) },
          { status: 3, stdout: "to the output\n", stderr: "to the error output\n" },
        );
      });

      it("says why a command could not be run", async () => {
        const { status, stderr } = await end(start("exec", protocol, url(["nothing"])));
        assert.equal(status, 125);
        assert.match(
          stderr,
          /error executing command in container: exec nothing: no such command \(cat is one\)/,
        );
      });

      it("passes the terminal's size", async () => {
        const { stdout } = await end(start("exec", protocol, "-tty", url(["size"], true)));
        assert.equal(String(stdout), "123x45");
      });

      it("a client that is killed ends its command, also one that reads nothing", async () => {
        const child = start("exec", protocol, url(["zeros", String(2 ** 40)]));
        await once(child.stdout as NodeJS.ReadableStream, "readable");
        child.kill("SIGKILL");
        await settled();
        const deaf = start("exec", protocol, url(["deaf"]));
        deaf.stdin?.on("error", () => {});
        deaf.stdin?.write(Buffer.alloc(32 << 20));
        await sleep(500);
        deaf.kill("SIGKILL");
        await settled();
      });

      it("a client that stops stops only itself, and loses nothing", async () => {
        const count = 64 << 20;
        const stopped = start("exec", protocol, url(["zeros", String(count)]));
        stopped.stdin?.end();
        await once(stopped.stdout as NodeJS.ReadableStream, "readable");
        stopped.kill("SIGSTOP");
        const other = await end(start("exec", protocol, url(["zeros", String(count)])));
        assert.deepEqual([other.status, other.stdout.length], [0, count]);
        stopped.kill("SIGCONT");
        const { status, stdout } = await end(stopped);
        assert.deepEqual([status, stdout.length], [0, count]);
      });

      it("twenty commands at once", async () => {
        const input = randomBytes(1 << 20);
        const all = Array.from({ length: 20 }, () => end(start("exec", protocol, url(["cat"])), input));
        for (const { status, stdout, stderr } of await Promise.all(all)) {
          assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
          assert.ok(stdout.equals(input));
        }
      });

      it("forwards many connections of one session, each direction closed on its own", async () => {
        const target = server.portForwardUrl({ podSandboxId: "p", ports: [80] });
        const { status, stdout, stderr } = await end(start("forward", protocol, target, "80", "30"));
        assert.deepEqual(
          { status, stdout: String(stdout), stderr },
          { status: 0, stdout: "30\n", stderr: "" },
        );
      });

      it("says that nothing listens", async () => {
        const target = server.portForwardUrl({ podSandboxId: "p", ports: [1] });
        const { status, stderr } = await end(start("forward", protocol, target, "1", "1"));
        assert.equal(status, 125);
        assert.match(stderr, /error forwarding port 1 to pod p: .*connection refused/);
      });
    });
  }
});
