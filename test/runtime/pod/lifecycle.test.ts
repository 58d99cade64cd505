import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ContainerState, PodSandboxState } from "#cri";
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
} from "../../support/pods.ts";

let node: LichenNode;
let image: string;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
});
after(() => node.stop());

test("a pod with a container, from creation to removal", async () => {
  const { client } = node;
  const pod = await runPod(node, "whole-life");
  const { status } = await client.podSandboxStatus({ podSandboxId: pod.id });
  assert.equal(status?.state, PodSandboxState.SANDBOX_READY);
  assert.match(status?.network?.ip ?? "", /^\d+\.\d+\.\d+\.\d+$/);

  const id = await createContainer(
    node,
    pod,
    image,
    "main",
    'trap "exit 7" TERM; echo out; echo err >&2; while :; do sleep 0.1; done',
  );
  assert.equal((await containerStatus(node, id)).state, ContainerState.CONTAINER_CREATED);
  await client.startContainer({ containerId: id });
  const running = await containerStatus(node, id);
  assert.equal(running.state, ContainerState.CONTAINER_RUNNING);
  assert.ok(running.startedAt >= running.createdAt && running.createdAt > 0);

  await eventually(() => assert.equal(logOf(running.logPath), "out\n"));
  await eventually(() => assert.equal(logOf(running.logPath, "stderr"), "err\n"));

  await client.stopContainer({ containerId: id, timeout: 10 });
  const ended = await containerStatus(node, id);
  assert.equal(ended.state, ContainerState.CONTAINER_EXITED);
  assert.equal(ended.exitCode, 7, "SIGTERM reached the shell, which ended by itself");
  assert.ok(ended.finishedAt >= ended.startedAt);

  await client.stopPodSandbox({ podSandboxId: pod.id });
  const stopped = await client.podSandboxStatus({ podSandboxId: pod.id });
  assert.equal(stopped.status?.state, PodSandboxState.SANDBOX_NOTREADY);
  await client.removePodSandbox({ podSandboxId: pod.id });
  assert.deepEqual((await client.listPodSandbox({ filter: { id: pod.id } })).items, []);
  assert.deepEqual((await client.listContainers({ filter: { podSandboxId: pod.id } })).containers, []);
});

test("stopping and removing what is gone succeeds, asking for it does not", async () => {
  const { client } = node;
  const pod = await runPod(node, "gone");
  const id = await runContainer(node, pod, image, "main", "true");
  await exited(node, id);
  for (let round = 0; round < 2; round++) {
    await client.stopContainer({ containerId: id, timeout: 0 });
    await client.removeContainer({ containerId: id });
    await client.stopPodSandbox({ podSandboxId: pod.id });
    await client.removePodSandbox({ podSandboxId: pod.id });
  }
  await assert.rejects(client.containerStatus({ containerId: id }), { code: 5 });
  await assert.rejects(client.podSandboxStatus({ podSandboxId: pod.id }), { code: 5 });
});

test("a container's exit is reported as it happened", async () => {
  const pod = await runPod(node, "exits");
  const cases: [string, number, string][] = [
    ["exit 0", 0, "Completed"],
    ["exit 42", 42, "Error"],
    ["kill -9 $$", 137, "Error"],
  ];
  for (const [script, code, reason] of cases) {
    const id = await runContainer(node, pod, image, `exit-${code}`, script);
    const status = await exited(node, id);
    assert.deepEqual([status.exitCode, status.reason], [code, reason], script);
  }
});

test("a stubborn container is killed when its time is up", async () => {
  const pod = await runPod(node, "stubborn");
  const id = await runContainer(
    node,
    pod,
    image,
    "main",
    'trap "" TERM; echo ready; while :; do sleep 0.1; done',
  );
  const { logPath } = await containerStatus(node, id);
  await eventually(() => assert.equal(logOf(logPath), "ready\n"));
  await node.client.stopContainer({ containerId: id, timeout: 1 });
  assert.equal((await containerStatus(node, id)).exitCode, 137);
});

test("containers of a pod share its network and host name, not their files", async () => {
  const pod = await runPod(node, "shared");
  const server = await runContainer(
    node,
    pod,
    image,
    "server",
    "touch /mine; exec httpd -f -p 127.0.0.1:8080 -h /etc",
  );
  const client = await runContainer(node, pod, image, "client", "exec sleep 1000");
  const inClient = (...cmd: string[]) => node.client.execSync({ containerId: client, cmd, timeout: 10 });
  await eventually(async () => {
    const { stdout } = await inClient("wget", "-qO-", "http://127.0.0.1:8080/hostname");
    assert.equal(Buffer.from(stdout).toString(), "shared\n");
  });
  assert.notEqual((await inClient("ls", "/mine")).exitCode, 0);
  assert.equal(
    (await node.client.execSync({ containerId: server, cmd: ["ls", "/mine"], timeout: 10 })).exitCode,
    0,
  );
});

test("ExecSync gives both streams and the exit code, and ends what takes too long", async () => {
  const pod = await runPod(node, "exec");
  const id = await runContainer(node, pod, image, "main", "exec sleep 1000");
  const result = await node.client.execSync({
    containerId: id,
    cmd: ["sh", "-c", "echo out; echo err >&2; exit 3"],
    timeout: 10,
  });
  assert.equal(Buffer.from(result.stdout).toString(), "out\n");
  assert.equal(Buffer.from(result.stderr).toString(), "err\n");
  assert.equal(result.exitCode, 3);
  await assert.rejects(node.client.execSync({ containerId: id, cmd: ["sleep", "100"], timeout: 1 }), {
    code: 4,
  });
  assert.equal(
    (await containerStatus(node, id)).state,
    ContainerState.CONTAINER_RUNNING,
    "the container itself runs on",
  );
});

test("a rotated log goes on in a new file", async () => {
  const { renameSync } = await import("node:fs");
  const pod = await runPod(node, "rotation");
  const id = await runContainer(node, pod, image, "main", "while :; do echo line; sleep 0.02; done");
  const { logPath } = await containerStatus(node, id);
  await eventually(() => assert.match(logOf(logPath), /line/));
  renameSync(logPath, `${logPath}.1`);
  await node.client.reopenContainerLog({ containerId: id });
  await eventually(() => assert.match(logOf(logPath), /line/));
});

test("stats tell the CPU time and memory of a running container", async () => {
  const pod = await runPod(node, "stats");
  const id = await runContainer(
    node,
    pod,
    image,
    "main",
    "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exec sleep 1000",
  );
  await eventually(async () => {
    const { stats } = await node.client.containerStats({ containerId: id });
    assert.ok((stats?.cpu?.usageCoreNanoSeconds?.value ?? 0) > 0, "CPU time");
    assert.ok((stats?.memory?.workingSetBytes?.value ?? 0) > 0, "memory");
  });
});
