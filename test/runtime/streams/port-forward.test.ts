import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, type Server, type Socket } from "node:net";
import { buffer, text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ContainerState, NamespaceMode } from "#cri";
import { forwardPort } from "../../../src/cli/streams/forward.ts";
import { expectNoMore, settled } from "../../support/leaks.ts";
import { dist, type LichenNode, startNode } from "../../support/node.ts";
import { eventually, pullBusybox, runContainer, runPod, type TestPod } from "../../support/pods.ts";
import { noise } from "./clients.ts";

let node: LichenNode;
let image: string;
let pod: TestPod;
const servers: Server[] = [];
const complaints: string[] = [];
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
  pod = await runPod(node, "forward");
  await runContainer(node, pod, image, "echo", "exec nc -ll -p 7000 -e cat");
  await runContainer(node, pod, image, "six", "echo six > /tmp/page; exec httpd -f -p [::1]:7001 -h /tmp");
  await runContainer(node, pod, image, "source", "exec nc -ll -p 7002 -e dd if=/dev/zero bs=1M count=50");
  await runContainer(node, pod, image, "count", "exec nc -ll -p 7003 -e wc -c");
});
after(async () => {
  for (const server of servers) server.close();
  await node.stop();
});

/** A local port that leads to one of the pod. */
async function forward(remote: number, podId = pod.id): Promise<number> {
  const fail = (reason: string) => void complaints.push(reason);
  const server = await forwardPort(node.client, podId, { local: 0, remote }, "127.0.0.1", fail);
  servers.push(server);
  return (server.address() as AddressInfo).port;
}

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

/** Whether what is said there comes back; the connection stays open. */
async function echoes(socket: Socket, words: string): Promise<void> {
  socket.write(words);
  let heard = "";
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    heard += String(chunk);
    if (heard.length >= words.length) break;
  }
  assert.equal(heard, words);
}

async function echoed(port: number, words: string): Promise<void> {
  const socket = await dial(port);
  await echoes(socket, words);
  socket.destroy();
}

test("a port on either loopback of the pod", { timeout: 30_000 }, async () => {
  const four = await forward(7000);
  await eventually(() => echoed(four, "hello"));
  const six = await forward(7001);
  await eventually(async () => {
    const socket = await dial(six);
    socket.write("GET /page HTTP/1.0\r\n\r\n");
    assert.match(await text(socket), /six\n$/);
  });
});

test("the pod's end of a connection ends the client's, after every byte", { timeout: 30_000 }, async () => {
  const socket = await dial(await forward(7002));
  assert.equal((await buffer(socket)).length, 50 << 20);
});

test("the client's end of input reaches the pod, and the answer still comes back", {
  timeout: 30_000,
}, async () => {
  const socket = connect({ port: await forward(7003), host: "127.0.0.1", allowHalfOpen: true });
  socket.end(Buffer.alloc(3_000_000));
  assert.equal(await text(socket), "3000000\n");
});

test("a hundred connections at once, and nothing of them left", { timeout: 60_000 }, async () => {
  const port = await forward(7000);
  await echoed(port, "warm");
  const before = await settled(node);
  // One after the other: nc lets few wait to be accepted.
  const open: Socket[] = [];
  for (let index = 0; index < 100; index++) {
    const socket = await dial(port);
    open.push(socket);
    await echoes(socket, `${index} `.repeat(1000));
  }
  await Promise.all(open.map((socket, index) => echoes(socket, `${index} again`)));
  for (const socket of open) socket.destroy();
  await eventually(() => expectNoMore(node, before), 15_000);
});

test("20 MB there and back are the same bytes", { timeout: 30_000 }, async () => {
  const socket = connect({ port: await forward(7000), host: "127.0.0.1", allowHalfOpen: true });
  const { stream, digest } = noise(20_000_000);
  stream.pipe(socket);
  const back = createHash("sha256");
  for await (const chunk of socket) back.update(chunk);
  assert.equal(back.digest("hex"), digest());
});

test("where nothing listens the connection ends, with the reason for a person", {
  timeout: 30_000,
}, async () => {
  complaints.length = 0;
  const socket = await dial(await forward(7999));
  assert.equal(await text(socket), "");
  await eventually(() => assert.match(complaints.join(), /127\.0\.0\.1:7999.*refused/));
});

test("a pod in the node's network", { timeout: 30_000 }, async () => {
  const network = NamespaceMode.NODE;
  const linux = { securityContext: { namespaceOptions: { network } } };
  const host = await runPod(node, "host", { hostname: "", linux });
  await runContainer(node, host, image, "host-echo", "exec nc -ll -p 7100 -e cat", { linux });
  const port = await forward(7100, host.id);
  await eventually(() => echoed(port, "hello"));
});

test("a pod that is stopped ends its connections, and is then refused", { timeout: 30_000 }, async () => {
  const doomed = await runPod(node, "doomed");
  await runContainer(node, doomed, image, "doomed-echo", "exec nc -ll -p 7000 -e cat");
  const port = await forward(7000, doomed.id);
  await eventually(() => echoed(port, "hello"));
  const socket = await dial(port);
  socket.write("x");
  await once(socket, "data");
  const closed = once(socket.resume(), "close");
  await node.client.stopPodSandbox({ podSandboxId: doomed.id });
  await closed;
  await assert.rejects(
    node.client.portForward({ podSandboxId: doomed.id, port: [7000] }),
    /FAILED_PRECONDITION.*not ready/,
  );
  await assert.rejects(node.client.portForward({ podSandboxId: pod.id, port: [0] }), /INVALID_ARGUMENT/);
});

test("lichen port-forward says where it listens, and ends when it is interrupted", {
  timeout: 30_000,
}, async () => {
  const child = spawn(`${dist}/lichen`, ["--runtime-dir", node.runtimeDir, "port-forward", "echo", ":7000"]);
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const [, port] = /^127\.0\.0\.1:(\d+) -> 7000\n$/.exec(String(line)) ?? [];
  await echoed(Number(port), "through the command");
  child.kill("SIGINT");
  assert.deepEqual(await once(child, "exit"), [0, null]);
});

test("the daemon is killed in the middle: connections end, the pod is unhurt, and the ports lead to it again", {
  timeout: 60_000,
}, async (t) => {
  const child = spawn(`${dist}/lichen`, ["--runtime-dir", node.runtimeDir, "port-forward", "echo", ":7000"]);
  t.after(() => child.kill("SIGKILL"));
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const throughCommand = await dial(Number(/:(\d+) ->/.exec(String(line))?.[1]));
  const idle = await dial(await forward(7000));
  await Promise.all([echoes(throughCommand, "one"), echoes(idle, "two")]);
  const pouring = await dial(await forward(7002));
  await once(pouring, "data");
  const filter = { state: { state: ContainerState.CONTAINER_RUNNING } };
  const running = async () => (await node.client.listContainers({ filter })).containers.map(({ id }) => id);
  const before = await running();
  const ended = [throughCommand, idle, pouring].map((socket) =>
    once(socket.on("error", () => {}).resume(), "close"),
  );
  process.kill(node.daemonPid(), "SIGKILL");
  await Promise.all(ended);
  await sleep(200);
  await node.ready();
  assert.deepEqual(await running(), before);
  await node.client.execSync({ containerId: before[0]!, cmd: ["true"], timeout: 10 });
  await echoed(await forward(7000), "again");
  assert.equal((await buffer(await dial(await forward(7002)))).length, 50 << 20);
  child.kill("SIGINT");
  if (child.exitCode === null) await once(child, "exit");
});
