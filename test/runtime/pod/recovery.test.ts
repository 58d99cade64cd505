import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ContainerState, PodSandboxState } from "#cri";
import { type LichenNode, startNode } from "../../support/node.ts";
import {
  containerStatus,
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

const counting = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done";

/** Kills the daemon and waits until its successor answers. */
async function killDaemon(): Promise<void> {
  const before = node.daemonPid();
  process.kill(before, "SIGKILL");
  await eventually(async () => {
    assert.notEqual(node.daemonPid(), before);
    await node.client.version({}, { timeoutMs: 1000 });
  });
}

test("a daemon that was killed comes back with its pods, and containers never noticed", async () => {
  const pod = await runPod(node, "survivor");
  const id = await runContainer(node, pod, image, "main", counting);
  const before = await containerStatus(node, id);
  await killDaemon();

  const { items } = await node.client.listPodSandbox({});
  assert.deepEqual(
    items.map((item) => [item.id, item.state]),
    [[pod.id, PodSandboxState.SANDBOX_READY]],
  );
  const after = await containerStatus(node, id);
  assert.equal(after.state, ContainerState.CONTAINER_RUNNING);
  assert.equal(after.startedAt, before.startedAt);

  const soFar = logOf(after.logPath).split("\n").length;
  await eventually(() => assert.ok(logOf(after.logPath).split("\n").length > soFar + 5));
  const numbers = logOf(after.logPath).trimEnd().split("\n").map(Number);
  assert.deepEqual(
    numbers,
    numbers.map((_number, index) => index + 1),
    "no line was lost or doubled",
  );

  const { exitCode } = await node.client.execSync({ containerId: id, cmd: ["true"], timeout: 10 });
  assert.equal(exitCode, 0, "exec works as before");
  await node.client.stopContainer({ containerId: id, timeout: 0 });
  assert.equal((await containerStatus(node, id)).exitCode, 137);
});

test("an exit while no daemon runs is known afterwards, with its code and time", async () => {
  const pod = await runPod(node, "exits-meanwhile");
  const id = await runContainer(node, pod, image, "main", "while [ ! -e /go ]; do sleep 0.01; done; exit 23");
  await node.client.execSync({
    containerId: id,
    cmd: ["sh", "-c", "(sleep 0.2; touch /go) >/dev/null 2>&1 &"],
    timeout: 10,
  });
  await killDaemon();
  const status = await exited(node, id);
  assert.equal(status.exitCode, 23);
  assert.ok(status.finishedAt > status.startedAt);
});

test("a pod whose monitor was killed is not ready, its containers are dead, and it can be removed", async () => {
  const pod = await runPod(node, "headless");
  const id = await runContainer(node, pod, image, "main", counting);
  const directory = join(node.runtimeDir, "pods", pod.id.slice(0, 16));
  const monitor = Number(readFileSync(join(directory, "monitor.pid"), "utf8").split(" ")[0]);
  process.kill(monitor, "SIGKILL");
  await eventually(async () => {
    const { status } = await node.client.podSandboxStatus({ podSandboxId: pod.id });
    assert.equal(status?.state, PodSandboxState.SANDBOX_NOTREADY);
  });
  const status = await exited(node, id);
  assert.notEqual(status.exitCode, 0);
  await node.client.stopPodSandbox({ podSandboxId: pod.id });
  await node.client.removePodSandbox({ podSandboxId: pod.id });
});

test("a killed launcher's successor rejoins the namespaces that hold the pods", async () => {
  const pod = await runPod(node, "adopted");
  const id = await runContainer(node, pod, image, "main", counting);
  process.kill(node.launcherPid, "SIGKILL");
  await eventually(() => assert.throws(() => process.kill(node.launcherPid, 0)));
  await node.restart();
  assert.equal((await containerStatus(node, id)).state, ContainerState.CONTAINER_RUNNING);
  const { exitCode } = await node.client.execSync({ containerId: id, cmd: ["true"], timeout: 10 });
  assert.equal(exitCode, 0);
});
