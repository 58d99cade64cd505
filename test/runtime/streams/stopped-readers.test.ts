import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, afterEach, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type LichenNode, startNode } from "../../support/node.ts";
import { slowness } from "../../support/patience.ts";
import {
  containerStatus,
  eventually,
  exited,
  logOf,
  pullBusybox,
  runContainer,
  runPod,
  type TestPod,
} from "../../support/pods.ts";
import { attachTo, execScript, Sink } from "./clients.ts";

// Clients that read nothing any more while what they are joined to writes at full speed: Kubernetes' own, stopped by SIGSTOP.
// LICHEN_LONG_TESTS=1: for a minute.

const client = join(import.meta.dirname, "../../../.cache/conformance/bin/streamclient");
const missing = existsSync(client) ? false : "no program streamclient: `npm run conformance` builds it";
const stopMilliseconds = process.env.LICHEN_LONG_TESTS === "1" ? 60_000 : 3_000;
const protocols = ["spdy", "websocket"] as const;
const each = 10;

describe("clients that read nothing", {
  skip: missing,
  timeout: 60_000 * slowness + 6 * stopMilliseconds,
}, () => {
  let node: LichenNode;
  let image: string;
  let pod: TestPod;
  let container: string;
  let monitor = 0;
  let children: ChildProcess[] = [];
  before(async () => {
    node = await startNode({ config: "[streaming]\nexec_grace_seconds = 1\n" });
    image = await pullBusybox(node);
    pod = await runPod(node, "stopped");
    container = await runContainer(node, pod, image, "main", "exec sleep 100000");
    await runContainer(
      node,
      pod,
      image,
      "source",
      "exec nc -ll -p 7002 -e dd if=/dev/zero bs=1M count=100000",
    );
    const { info } = await node.client.podSandboxStatus({ podSandboxId: pod.id, verbose: true });
    monitor = (JSON.parse(info.info ?? "{}") as { pid: number }).pid;
  });
  afterEach(async () => {
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, "exit")));
    children = [];
  });
  after(() => node.stop());

  const start = (input: "pipe" | number, ...args: string[]): ChildProcess => {
    const child = spawn(client, args, { stdio: [input, "pipe", "pipe"] });
    children.push(child);
    return child;
  };
  /** Bytes that a process has in memory of its own. */
  const held = (pid: number) =>
    1024 * Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  const moved = (child: ChildProcess, way: "rchar" | "wchar") =>
    Number(new RegExp(`${way}: (\\d+)`).exec(readFileSync(`/proc/${child.pid}/io`, "utf8"))?.[1]);

  /**
   * Starts as many clients by `open`, lets each move some megabytes and stops it. The daemon must not hold more than a mebibyte for each of
   * them, then or at the end of the time, and must serve others meanwhile. 16 MiB are for its heap.
   */
  const stopAll = async (way: "rchar" | "wchar", open: () => Promise<ChildProcess>) => {
    const before = held(node.daemonPid());
    const clients = await Promise.all(Array.from({ length: each }, open));
    const most = before + (each + 16) * 2 ** 20;
    for (const one of clients) {
      await eventually(() => assert.ok(moved(one, way) > 4e6, `${moved(one, way)} bytes`));
      one.kill("SIGSTOP");
    }
    for (const end = Date.now() + stopMilliseconds / 2; Date.now() < end; await sleep(100)) {
      const bytes = held(node.daemonPid());
      assert.ok(bytes < most, `${bytes - before} bytes more for ${each} clients`);
    }
    assert.equal((await execScript(node, container, "echo others go on")).stdout.text, "others go on\n");
  };

  for (const protocol of protocols) {
    it(`exec over ${protocol}: what the commands write waits in their own pipes`, async () => {
      await stopAll("rchar", async () => {
        const cmd = ["dd", "if=/dev/zero", "bs=1M", "count=100000"];
        const { url } = await node.client.exec({ containerId: container, cmd, stdin: true, stdout: true });
        const child = start("pipe", "exec", protocol, url);
        child.stdout?.resume();
        return child;
      });
    });

    it(`exec over ${protocol}: what commands do not read waits at the clients`, async () => {
      const zeros = openSync("/dev/zero", "r");
      const before = held(node.daemonPid());
      const cmd = ["sh", "-c", "head -c 4000000 >/dev/null; exec sleep 1000"];
      for (let count = 0; count < each; count++) {
        const { url } = await node.client.exec({ containerId: container, cmd, stdin: true, stdout: true });
        start(zeros, "exec", protocol, url);
      }
      closeSync(zeros);
      for (const one of children) await eventually(() => assert.ok(moved(one, "wchar") > 4e6));
      await sleep(stopMilliseconds / 3);
      const bytes = held(node.daemonPid()) - before;
      assert.ok(bytes < (each + 16) * 2 ** 20, `${bytes} bytes more for ${each} clients`);
    });

    it(`port-forward over ${protocol}: what the pod sends waits in its own socket`, async () => {
      await stopAll("rchar", async () => {
        const { url } = await node.client.portForward({ podSandboxId: pod.id, port: [7002] });
        return start("pipe", "download", protocol, url, "7002");
      });
    });
  }

  it("attach: neither the container, nor its log, nor another client waits, and the monitor keeps no more than a MiB for each", async () => {
    const script = `
      while [ ! -e /go ]; do echo waiting; sleep 0.1; done
      head -c 100000000 /dev/zero | tr '\\0' x; echo; touch /done
      i=0; while [ ! -e /stop ]; do echo tick $i; i=$((i + 1)); usleep 20000; done; echo last`;
    const id = await runContainer(node, pod, image, "loud", script);
    const run = (...cmd: string[]) => node.client.execSync({ containerId: id, cmd, timeout: 10 });
    const deaf: ChildProcess[] = [];
    for (const protocol of [...protocols, ...protocols]) {
      const { url } = await node.client.attach({ containerId: id, stdout: true });
      const child = start("pipe", "exec", protocol, url);
      deaf.push(child);
      await once(child.stdout as NodeJS.ReadableStream, "readable");
      child.kill("SIGSTOP");
    }
    const before = held(monitor);
    const began = Date.now();
    await run("touch", "/go");
    await eventually(
      async () => assert.equal((await run("test", "-e", "/done")).exitCode, 0),
      20_000 * slowness,
    );
    assert.ok(Date.now() - began < 10_000 * slowness, "the container waited");
    const reader = new Sink();
    const reading = attachTo(node, id, { stdout: reader });
    for (const end = Date.now() + stopMilliseconds; Date.now() < end; await sleep(100)) {
      const bytes = held(monitor) - before;
      assert.ok(bytes < (deaf.length + 2) * 2 ** 20, `the monitor holds ${bytes} bytes more`);
    }
    await run("touch", "/stop");
    assert.equal((await exited(node, id)).exitCode, 0);
    await reading;
    const { logPath } = await containerStatus(node, id);
    assert.ok(statSync(logPath).size > 100_000_000);
    const ticks = /\n((?:tick \d+\n)+)last\n$/.exec(logOf(logPath))?.[1] ?? "";
    const numbers = [...ticks.matchAll(/\d+/g)].map(Number);
    assert.ok(numbers.length > stopMilliseconds / 100, `only ${numbers.length} ticks: the container waited`);
    assert.ok(
      numbers.every((number, index) => number === index),
      "a tick is missing in the log",
    );
    // From wherever the other client joined, it has all that followed.
    assert.ok(
      reader.text.length > 0 && `${ticks}last\n`.endsWith(reader.text),
      "the other client lacks something",
    );
    // client-go itself gives a WebSocket up that brought nothing for 61 s.
    for (const child of deaf) {
      child.kill("SIGCONT");
      child.stdout?.resume();
      assert.match(
        await text(child.stderr as NodeJS.ReadableStream),
        /reads more slowly than the container writes|i\/o timeout/,
      );
    }
  });
});
