import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ContainerState } from "#cri";
import { type LichenNode, startNode } from "../../support/node.ts";
import {
  containerStatus,
  createContainer,
  eventually,
  logOf,
  podConfig,
  pullBusybox,
  runContainer,
  runPod,
  type TestPod,
} from "../../support/pods.ts";

const alreadyExists = 6;
let node: LichenNode;
let image: string;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
});
after(() => node.stop());

test("many pods are made, run and removed at the same time", async () => {
  await Promise.all(
    Array.from({ length: 12 }, async (_, index) => {
      const pod = await runPod(node, `parallel-${index}`);
      const id = await runContainer(node, pod, image, "main", "exec sleep 1000");
      const cmd = ["hostname"];
      const { stdout } = await node.client.execSync({ containerId: id, cmd, timeout: 20 });
      assert.equal(Buffer.from(stdout).toString().trim(), `parallel-${index}`);
      await node.client.stopPodSandbox({ podSandboxId: pod.id });
      await node.client.removePodSandbox({ podSandboxId: pod.id });
    }),
  );
  assert.deepEqual((await node.client.listPodSandbox({})).items, []);
});

test("of several pods of one name at once, one is made", async () => {
  const config = podConfig(node, "unique");
  const results = await Promise.allSettled(
    Array.from({ length: 5 }, () => node.client.runPodSandbox({ config })),
  );
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
  for (const result of results) {
    if (result.status === "rejected") assert.equal(result.reason.code, alreadyExists);
  }
});

test("stopping a stubborn container holds up neither its pod nor a more impatient caller", async () => {
  const pod = await runPod(node, "patience");
  const stubborn = await runStubborn(pod, "stubborn");
  const patient = node.client.stopContainer({ containerId: stubborn, timeout: 60 });
  await sleep(50);
  const other = await runContainer(node, pod, image, "other", "exec sleep 1000");
  assert.equal((await containerStatus(node, other)).state, ContainerState.CONTAINER_RUNNING);
  await node.client.stopContainer({ containerId: stubborn, timeout: 0 });
  await patient;
});

test("stopping a pod ends what is going on in it", async () => {
  const pod = await runPod(node, "interrupted");
  const id = await runStubborn(pod, "main");
  const executing = node.client.execSync({ containerId: id, cmd: ["sleep", "1000"], timeout: 0 });
  const outcome = executing.then(
    ({ exitCode }) => exitCode,
    () => "failed",
  );
  const stopping = node.client.stopContainer({ containerId: id, timeout: 60 });
  await sleep(50);
  await node.client.stopPodSandbox({ podSandboxId: pod.id });
  await stopping;
  assert.ok([137, "failed"].includes(await outcome), String(await outcome));
  const { exitCode, state } = await containerStatus(node, id);
  assert.deepEqual([state, exitCode], [ContainerState.CONTAINER_EXITED, 137]);
});

test("a container is started once, however many ask", async () => {
  const pod = await runPod(node, "once");
  const containerId = await createContainer(node, pod, image, "main", "exec sleep 1000");
  const results = await Promise.allSettled([1, 2, 3].map(() => node.client.startContainer({ containerId })));
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
});

test("a command's output comes whole, and one that leaves a child behind does not hang", async () => {
  const pod = await runPod(node, "output");
  const containerId = await runContainer(node, pod, image, "main", "exec sleep 1000");
  const run = (script: string) =>
    node.client.execSync({ containerId, cmd: ["sh", "-c", script], timeout: 20 });
  const { stdout } = await run("head -c 3000000 /dev/zero");
  assert.equal(stdout.length, 3_000_000);
  const began = Date.now();
  assert.equal(Buffer.from((await run("sleep 1000 & echo done")).stdout).toString(), "done\n");
  assert.ok(Date.now() - began < 5000);
});

test("a time-out leaves no process of the command behind", async () => {
  const pod = await runPod(node, "timed-out");
  const containerId = await runContainer(node, pod, image, "main", "exec sleep 1000");
  const cmd = ["sh", "-c", "sleep 4711 & sleep 4711"];
  await assert.rejects(node.client.execSync({ containerId, cmd, timeout: 1 }), { code: 4 });
  const { stdout } = await node.client.execSync({
    containerId,
    cmd: ["sh", "-c", "ps -o args | grep -c '[s]leep 4711'"],
    timeout: 10,
  });
  assert.equal(Buffer.from(stdout).toString().trim(), "0");
});

/** A container that lets SIGTERM pass by, from the moment on that this answers. */
async function runStubborn(pod: TestPod, name: string): Promise<string> {
  const script = "trap '' TERM; echo ready; while :; do sleep 0.1; done";
  const id = await runContainer(node, pod, image, name, script);
  const { logPath } = await containerStatus(node, id);
  await eventually(() => assert.equal(logOf(logPath), "ready\n"));
  return id;
}
