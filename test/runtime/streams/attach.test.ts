import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";
import { ContainerState } from "#cri";
import { expectNoMore, settled } from "../../support/leaks.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import {
  containerStatus,
  createContainer,
  eventually,
  exited,
  logOf,
  pullBusybox,
  runContainer,
  runPod,
  type TestPod,
} from "../../support/pods.ts";
import { attachTo, execScript, keyboard, Sink } from "./clients.ts";

let node: LichenNode;
let image: string;
let pod: TestPod;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
  pod = await runPod(node, "attach");
});
after(() => node.stop());

const logPath = async (id: string) => (await containerStatus(node, id)).logPath;

test("who is attached before the start sees the first byte; the session ends with the container", async () => {
  const id = await createContainer(node, pod, image, "first", "echo out; echo err >&2; exit 3");
  const [stdout, stderr] = [new Sink(), new Sink()];
  const { client } = node;
  await attachTo(node, id, { stdout, stderr, opened: () => client.startContainer({ containerId: id }) });
  assert.deepEqual([stdout.text, stderr.text], ["out\n", "err\n"]);
  assert.equal((await exited(node, id)).exitCode, 3);
});

test("stdinOnce: the first client's end of input is the container's; a later one only listens", async () => {
  const more = { stdin: true, stdinOnce: true };
  const id = await runContainer(node, pod, image, "once", "cat; echo end of input; sleep 1; echo bye", more);
  const stdin = keyboard();
  const stdout = new Sink();
  const first = attachTo(node, id, { stdin, stdout });
  stdin.type("hello\n");
  await stdout.until((text) => text === "hello\n");
  const late = keyboard();
  late.type("dropped\n");
  const heard = new Sink();
  const second = attachTo(node, id, { stdin: late, stdout: heard });
  await sleep(100);
  stdin.done();
  await Promise.all([first, second]);
  assert.equal(stdout.text, "hello\nend of input\nbye\n");
  assert.equal(heard.text, "end of input\nbye\n");
});

test("stdinOnce: a client that vanishes has closed the input too", async () => {
  const more = { stdin: true, stdinOnce: true };
  const id = await runContainer(node, pod, image, "vanished", "cat", more);
  const { url } = await node.client.attach({ containerId: id, stdin: true, stdout: true });
  const client = new WebSocket(url, "v5.channel.k8s.io");
  await new Promise((resolve) => client.once("open", resolve));
  client.terminate();
  await exited(node, id);
});

test("without stdinOnce the input outlives its clients, and several write to it at once", async () => {
  const id = await runContainer(node, pod, image, "many", "while read line; do echo got $line; done", {
    stdin: true,
  });
  const stdout = new Sink();
  const watching = attachTo(node, id, { stdout });
  for (const word of ["one", "two"]) {
    const stdin = keyboard();
    const detach = new AbortController();
    const session = attachTo(node, id, { stdin, stdout: new Sink(), detach: detach.signal });
    stdin.type(`${word}\n`);
    await stdout.until((text) => text.includes(`got ${word}`));
    detach.abort();
    await session;
  }
  assert.equal((await containerStatus(node, id)).state, ContainerState.CONTAINER_RUNNING);
  await node.client.stopContainer({ containerId: id, timeout: 0 });
  await watching;
  assert.equal(stdout.text, "got one\ngot two\n");
});

test("a terminal: resized before and after the start, shared, and its output in the log", async () => {
  const script = 'stty size; while read line; do eval "$line"; done';
  const id = await createContainer(node, pod, image, "terminal", script, { tty: true, stdin: true });
  const stdin = keyboard();
  const stdout = new Sink();
  let resize = (_columns: number, _rows: number) => {};
  const session = attachTo(
    node,
    id,
    {
      stdin,
      stdout,
      onSize: (listener) => {
        resize = listener;
        listener(90, 30);
      },
      opened: async () => {
        await sleep(200);
        await node.client.startContainer({ containerId: id });
      },
    },
    true,
  );
  await stdout.until((text) => text.includes("30 90"));
  const other = new Sink();
  const watching = attachTo(node, id, { stdout: other }, true);
  resize(70, 20);
  await sleep(100);
  stdin.type("stty size\n");
  await Promise.all([stdout, other].map((sink) => sink.until((text) => text.includes("20 70"))));
  stdin.type("exit 8\n");
  await Promise.all([session, watching]);
  assert.equal((await exited(node, id)).exitCode, 8);
  assert.match(logOf(await logPath(id)), /30 90[\s\S]*20 70/);
});

test("a client that does not read slows neither the container, nor its log, nor another client", async () => {
  const lines = 200_000;
  const script = `read go; seq -f "%.0f ${"x".repeat(80)}" 1 ${lines} 2>/dev/null || seq 1 ${lines}; echo last`;
  const id = await runContainer(node, pod, image, "loud", script, { stdin: true });
  const { url } = await node.client.attach({ containerId: id, stdout: true });
  const deaf = new WebSocket(url, "v5.channel.k8s.io", { perMessageDeflate: false });
  await new Promise((resolve) => deaf.once("open", resolve));
  deaf.pause();
  const stdin = keyboard();
  const stdout = new Sink();
  const session = attachTo(node, id, { stdin, stdout });
  await sleep(100);
  const began = Date.now();
  stdin.type("go\n");
  await exited(node, id);
  assert.ok(Date.now() - began < 10_000, "the container waited");
  await session.catch(() => {});
  const log = logOf(await logPath(id));
  assert.ok(log.endsWith("last\n"));
  assert.equal(log.split("\n").length, lines + 2);
  deaf.terminate();
});

test("attaching and going fifty times leaves nothing, in the daemon or the monitor", async () => {
  const id = await runContainer(node, pod, image, "busy", "while :; do echo x; sleep 0.01; done", {
    stdin: true,
  });
  const { info } = await node.client.podSandboxStatus({ podSandboxId: pod.id, verbose: true });
  const { pid } = JSON.parse(info.info ?? "{}") as { pid: number };
  const monitorFds = () => readdirSync(`/proc/${pid}/fd`).length;
  await attachBriefly(id);
  const before = await settled(node);
  const held = monitorFds();
  await Promise.all(Array.from({ length: 50 }, () => attachBriefly(id)));
  await eventually(() => {
    expectNoMore(node, before);
    assert.equal(monitorFds(), held);
  });
});

async function attachBriefly(id: string): Promise<void> {
  const detach = new AbortController();
  const stdout = new Sink();
  const session = attachTo(node, id, { stdin: keyboard(), stdout, detach: detach.signal });
  await stdout.until((text) => text.includes("x"));
  detach.abort();
  await session;
}

test("the daemon is killed in the middle: clients end, execs end, container and log are unhurt, attach works again", async () => {
  const script = "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo $i; done; read go; echo went on $go";
  const id = await runContainer(node, pod, image, "survivor", `read go; ${script}`, { stdin: true });
  const stdin = keyboard();
  const session = attachTo(node, id, { stdin, stdout: new Sink() });
  const exec = execScript(node, id, "sleep 8001");
  await sleep(300);
  stdin.type("go\n");
  process.kill(node.daemonPid(), "SIGKILL");
  const outcomes = await Promise.allSettled([session, exec]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  await sleep(200);
  await node.ready();
  const again = keyboard();
  const stdout = new Sink();
  const second = eventually(() => attachTo(node, id, { stdin: again, stdout }));
  await sleep(500);
  again.type("go\n");
  again.type("twice\n");
  await second;
  assert.equal((await exited(node, id)).exitCode, 0);
  const numbers = logOf(await logPath(id))
    .split("\n")
    .filter((line) => /^\d+$/.test(line));
  assert.deepEqual(
    numbers,
    Array.from({ length: 3000 }, (_, index) => String(index + 1)),
  );
  assert.match(logOf(await logPath(id)), /went on/);
});

test("an exec whose daemon was killed is ended by the monitor", async () => {
  const id = await runContainer(node, pod, image, "orphans", "exec sleep 100000");
  const exec = execScript(node, id, "trap '' HUP PIPE; sleep 8002").catch(() => {});
  const list = async () => {
    const { stdout } = await node.client.execSync({
      containerId: id,
      cmd: ["ps", "-o", "args"],
      timeout: 10,
    });
    return Buffer.from(stdout).toString();
  };
  await eventually(async () => assert.match(await list(), /sleep 8002/));
  process.kill(node.daemonPid(), "SIGKILL");
  await exec;
  await sleep(200);
  await node.ready();
  await eventually(async () => assert.doesNotMatch(await list(), /sleep 8002/));
});
