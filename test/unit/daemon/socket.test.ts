import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { Server } from "@grpc/grpc-js";
import { listen } from "../../../src/daemon/socket.ts";

describe("the CRI socket", () => {
  let directory: string;
  let path: string;
  let server: Server;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "lichen-socket-"));
    path = join(directory, "lichen.sock");
    server = new Server();
  });
  afterEach(() => {
    server.forceShutdown();
    rmSync(directory, { recursive: true });
  });

  it("is the own user's alone", async () => {
    await listen(server, path);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it("replaces one that a dead daemon left", async () => {
    const bindAndDie = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    spawnSync(process.execPath, ["-e", bindAndDie]);
    assert.ok(existsSync(path), "the dead process left its socket");
    await listen(server, path);
  });

  it("is not taken from a daemon that serves it", async () => {
    const other = createServer().listen(path);
    await new Promise((resolve) => other.once("listening", resolve));
    await assert.rejects(listen(server, path), {
      code: "ALREADY_EXISTS",
      reason: "another daemon serves it",
    });
    await new Promise((resolve) => other.close(resolve));
  });

  it("does not replace a file that is no socket", async () => {
    writeFileSync(path, "precious");
    await assert.rejects(listen(server, path), { code: "ALREADY_EXISTS" });
    assert.equal(statSync(path).size, "precious".length);
  });

  it("refuses a path that the kernel would cut off", async () => {
    const long = join(directory, "x".repeat(107 - directory.length));
    await assert.rejects(listen(server, long), {
      code: "INVALID_ARGUMENT",
      reason: "a socket's path has at most 107 bytes, this one 108",
    });
  });

  it("says why it cannot listen", async () => {
    await assert.rejects(listen(server, join(directory, "none/lichen.sock")), {
      code: "UNAVAILABLE",
      reason: /none\/lichen\.sock/,
    });
  });
});
