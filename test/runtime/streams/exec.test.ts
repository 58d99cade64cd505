import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";
import { runSession } from "../../../src/cli/streams/session.ts";
import { expectNoMore, settled } from "../../support/leaks.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { eventually, pullBusybox, runContainer, runPod, type TestPod } from "../../support/pods.ts";
import { execScript, keyboard, noise, Sink } from "./clients.ts";

let node: LichenNode;
let image: string;
let pod: TestPod;
let container: string;
before(async () => {
  node = await startNode({ config: "[streaming]\nexec_grace_seconds = 1\n" });
  image = await pullBusybox(node);
  pod = await runPod(node, "exec");
  container = await runContainer(node, pod, image, "main", "exec sleep 100000");
  await execScript(node, container, "true");
});
after(() => node.stop());

const processes = async () => {
  const { stdout } = await node.client.execSync({
    containerId: container,
    cmd: ["ps", "-o", "args"],
    timeout: 10,
  });
  return Buffer.from(stdout).toString();
};

test("output, error output and exit code come apart", async () => {
  const { code, stdout, stderr } = await execScript(node, container, "echo out; echo err >&2; exit 7");
  assert.deepEqual([code, stdout.text, stderr.text], [7, "out\n", "err\n"]);
});

test("a signal's death is 128 and its number", async () => {
  assert.equal((await execScript(node, container, "kill -TERM $$")).code, 143);
});

test("a command that does not exist is an error with its name", async () => {
  const { url } = await node.client.exec({ containerId: container, cmd: ["no-such-program"], stdout: true });
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/exec\/[\w-]+$/);
  await assert.rejects(runSession(url, { stdout: new Sink() }), /no-such-program.*not found/);
});

test("input goes in and its end is an end", async () => {
  const stdin = keyboard();
  stdin.type("one\n");
  stdin.type("two\n");
  stdin.done();
  const { code, stdout } = await execScript(node, container, "cat; echo end", { stdin });
  assert.deepEqual([code, stdout.text], [0, "one\ntwo\nend\n"]);
});

test("200 MB there and back are the same bytes", { timeout: 60_000 }, async () => {
  const { stream, digest } = noise(200_000_000);
  const { code, stdout } = await execScript(node, container, "cat", { stdin: stream });
  assert.equal(code, 0);
  assert.equal(stdout.bytes, 200_000_000);
  assert.equal(stdout.digest(), digest());
});

test("output that still flows when the command has ended arrives in full, with the code", async () => {
  const slow = new Sink();
  const take = slow._write.bind(slow);
  slow._write = (chunk, encoding, done) => void setTimeout(() => take(chunk, encoding, done), 5);
  const { code } = await execScript(node, container, "head -c 3000000 /dev/zero; exit 9", { stdout: slow });
  assert.deepEqual([code, slow.bytes], [9, 3_000_000]);
});

test("a command that closes its output keeps its input, one that closes its input does not stop the client", async () => {
  const stdin = keyboard();
  const running = execScript(node, container, "exec >&-; read line; echo $line >&2", { stdin });
  await sleep(100);
  stdin.type("late\n");
  assert.equal((await running).stderr.text, "late\n");
  const { stream } = noise(20_000_000);
  const { code, stdout } = await execScript(node, container, "exec <&-; sleep 0.3; echo done", {
    stdin: stream,
  });
  assert.deepEqual([code, stdout.text], [0, "done\n"]);
});

test("a child that keeps the output open does not keep the client", async () => {
  const began = Date.now();
  const { code, stdout } = await execScript(node, container, "sleep 30 & echo started; exit 4");
  assert.deepEqual([code, stdout.text], [4, "started\n"]);
  assert.ok(Date.now() - began < 10_000);
});

test("a terminal has the client's size from the first moment, and follows it", async () => {
  const stdin = keyboard();
  let resize = (_columns: number, _rows: number) => {};
  const stdout = new Sink();
  const onSize = (listener: typeof resize) => {
    resize = listener;
    listener(101, 33);
  };
  const running = execScript(node, container, "stty size; exec sh", { tty: true, stdin, stdout, onSize });
  await stdout.until((text) => text.includes("33 101"));
  resize(120, 40);
  await eventually(async () => {
    stdin.type("stty size\n");
    await sleep(50);
    assert.match(stdout.text, /40 120/);
  });
  stdin.type("exit 3\n");
  assert.equal((await running).code, 3);
});

test("control characters reach a terminal's command", async () => {
  const stdin = keyboard();
  const stdout = new Sink();
  const running = execScript(
    node,
    container,
    "trap 'echo got it; exit 6' INT; echo ready; while :; do sleep 0.1; done",
    {
      tty: true,
      stdin,
      stdout,
    },
  );
  await stdout.until((text) => text.includes("ready"));
  stdin.type("\x03");
  assert.equal((await running).code, 6);
  assert.match(stdout.text, /got it/);
});

test("fifty at once, each with a MB both ways, get their own", { timeout: 60_000 }, async () => {
  const atOnce = () => Promise.all(Array.from({ length: 50 }, () => execScript(node, container, "true")));
  await atOnce();
  const before = await settled(node);
  await Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      const { stream, digest } = noise(1_000_000);
      const { code, stdout } = await execScript(node, container, `cat; exit ${index}`, { stdin: stream });
      assert.equal(code, index);
      assert.equal(stdout.digest(), digest());
    }),
  );
  await eventually(() => expectNoMore(node, before), 15_000);
});

test("a client that vanishes takes its command along: hang-up with a terminal, SIGKILL after the grace without", async () => {
  const before = await settled(node);
  for (const tty of [true, false]) {
    const mark = tty ? "7001" : "7002";
    const script = tty
      ? `sleep ${mark}`
      : `trap '' HUP PIPE TERM; setsid sleep ${mark} & sleep ${mark}; sleep ${mark}`;
    const cmd = ["sh", "-c", script];
    const { url } = await node.client.exec({ containerId: container, cmd, tty, stdin: true, stdout: true });
    const client = new WebSocket(url, "v5.channel.k8s.io");
    await eventually(async () => assert.match(await processes(), new RegExp(`sleep ${mark}`)));
    client.terminate();
    await eventually(async () => assert.doesNotMatch(await processes(), new RegExp(`sleep ${mark}`)));
  }
  await eventually(() => expectNoMore(node, before), 5000);
});

test("a client that does not read stops its own command only, in bounded memory", async () => {
  const cmd = ["sh", "-c", "dd if=/dev/zero bs=1M count=10000"];
  const { url } = await node.client.exec({ containerId: container, cmd, stdout: true });
  const kilobytes = () =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${node.daemonPid()}/status`, "utf8"))?.[1]);
  const before = kilobytes();
  const client = new WebSocket(url, "v5.channel.k8s.io", { perMessageDeflate: false });
  client.on("open", () => client.pause());
  await sleep(1500);
  assert.ok(kilobytes() - before < 40_000, `${kilobytes() - before} kB more`);
  assert.equal((await execScript(node, container, "echo others go on")).stdout.text, "others go on\n");
  client.terminate();
  await eventually(async () => assert.doesNotMatch(await processes(), /count=10000/));
});

test("the container's end ends its execs", async () => {
  const doomed = await runContainer(node, pod, image, "doomed", "exec sleep 100000");
  const running = execScript(node, doomed, "echo here; sleep 1000");
  await sleep(200);
  await node.client.stopContainer({ containerId: doomed, timeout: 0 });
  assert.equal((await running).code, 137);
});

test("what cannot be is refused before there is a URL", async () => {
  const { client } = node;
  const both = { containerId: container, cmd: ["true"], stdout: true };
  await assert.rejects(client.exec({ ...both, tty: true, stderr: true }), /INVALID_ARGUMENT.*tty and stderr/);
  await assert.rejects(client.exec({ ...both, stdout: false }), /INVALID_ARGUMENT.*one of stdin/);
  await assert.rejects(client.exec({ ...both, cmd: [] }), /INVALID_ARGUMENT.*cmd/);
  await assert.rejects(client.exec({ ...both, containerId: "" }), /INVALID_ARGUMENT.*container_id/);
  await assert.rejects(client.exec({ ...both, containerId: "f".repeat(64) }), /NOT_FOUND/);
  await assert.rejects(client.exec({ ...both, containerId: await ended() }), /FAILED_PRECONDITION.*exited/);
});

async function ended(): Promise<string> {
  const id = await runContainer(node, pod, image, "ended", "exit 0");
  await eventually(async () => {
    const { status } = await node.client.containerStatus({ containerId: id });
    assert.equal(status?.state, 2);
  });
  return id;
}
