import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { expectNoMore, settled } from "../../support/leaks.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { eventually, pullBusybox, runContainer, runPod, type TestPod } from "../../support/pods.ts";
import { noise } from "./clients.ts";

// Much data, many sessions, and clients that stop or die, with client-go's own executors. LICHEN_LONG_TESTS=1: 10 GB and a stop of a minute.

const client = join(import.meta.dirname, "../../../.cache/conformance/bin/streamclient");
const missing = existsSync(client) ? false : "no program streamclient: `npm run conformance` builds it";
const long = process.env.LICHEN_LONG_TESTS === "1";
const bulk = long ? 10_000_000_000 : 200_000_000;
const stopMilliseconds = long ? 60_000 : 3_000;

describe("client-go on a real node", { skip: missing }, () => {
  let node: LichenNode;
  let pod: TestPod;
  let container: string;
  let monitorFds: () => number;
  before(async () => {
    node = await startNode({ config: "[streaming]\nexec_grace_seconds = 1\n" });
    const image = await pullBusybox(node);
    pod = await runPod(node, "bulk");
    container = await runContainer(node, pod, image, "main", "exec sleep 100000");
    const { info } = await node.client.podSandboxStatus({ podSandboxId: pod.id, verbose: true });
    const { pid } = JSON.parse(info.info ?? "{}") as { pid: number };
    monitorFds = () => readdirSync(`/proc/${pid}/fd`).length;
  });
  after(() => node.stop());

  const url = async (script: string, stderr = false) =>
    (
      await node.client.exec({
        containerId: container,
        cmd: ["sh", "-c", script],
        stdin: true,
        stdout: true,
        stderr,
      })
    ).url;
  const start = (...args: string[]): ChildProcess => {
    const child = spawn(client, args, { stdio: ["pipe", "pipe", "inherit"] });
    child.stdin?.on("error", () => {});
    return child;
  };

  for (const protocol of ["spdy", "websocket"]) {
    it(`${bulk / 1e6} MB through ${protocol} come back unchanged`, {
      timeout: long ? 1_800_000 : 60_000,
    }, async () => {
      const { stream, digest } = noise(bulk);
      const child = start("exec", protocol, await url("exec cat", true));
      stream.pipe(child.stdin!);
      const hash = createHash("sha256");
      let bytes = 0;
      for await (const part of child.stdout!) {
        hash.update(part);
        bytes += (part as Buffer).length;
      }
      assert.equal(bytes, bulk);
      assert.equal(hash.digest("hex"), digest());
    });

    it(`a client over ${protocol} that stops for ${stopMilliseconds / 1000} s loses nothing and stops nobody else`, {
      timeout: 60_000 + stopMilliseconds,
    }, async () => {
      const child = start(
        "exec",
        protocol,
        await url("dd if=/dev/zero bs=1000000 count=100 2>/dev/null; exit 7", true),
      );
      child.stdin?.end();
      await once(child.stdout!, "readable");
      child.kill("SIGSTOP");
      const other = start("exec", protocol, await url("echo others go on", true));
      other.stdin?.end();
      assert.equal(await text(other.stdout!), "others go on\n");
      await sleep(stopMilliseconds);
      child.kill("SIGCONT");
      const exit = once(child, "exit");
      let bytes = 0;
      for await (const part of child.stdout!) bytes += (part as Buffer).length;
      assert.deepEqual([bytes, await exit], [100_000_000, [7, null]]);
    });

    it(`clients over ${protocol} that are killed in the middle leave nothing`, {
      timeout: 60_000,
    }, async () => {
      const before = await settled(node);
      const held = monitorFds();
      for (const script of ["exec cat", "exec cat /dev/zero", "trap '' HUP PIPE; sleep 7003; sleep 7003"]) {
        const children = await Promise.all(
          Array.from({ length: 5 }, async () => start("exec", protocol, await url(script, true))),
        );
        for (const child of children) {
          child.stdin?.write(Buffer.alloc(1 << 20));
          child.stdout?.once("data", () => child.stdout?.pause());
        }
        await sleep(300);
        for (const child of children) child.kill("SIGKILL");
      }
      await eventually(() => {
        expectNoMore(node, before);
        assert.ok(monitorFds() <= held, `${monitorFds()} descriptors in the monitor, ${held} before`);
      }, 30_000);
    });

    it(`two hundred commands at once over ${protocol}, each with a MB both ways`, {
      timeout: 100_000,
    }, async () => {
      const before = await settled(node);
      const held = monitorFds();
      const urls = await Promise.all(Array.from({ length: 200 }, () => url("exec cat")));
      const child = start("many", protocol, "1000000");
      child.stdin?.end(urls.map((one) => `${one}\n`).join(""));
      assert.equal(await text(child.stdout!), "200\n");
      await eventually(() => {
        expectNoMore(node, before);
        assert.ok(monitorFds() <= held, `${monitorFds()} descriptors in the monitor, ${held} before`);
      }, 30_000);
    });
  }
});
