import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { type LichenNode, startNode } from "../../support/node.ts";
import { createContainer, eventually, pullBusybox, runContainer, runPod } from "../../support/pods.ts";

let node: LichenNode;
let port: number;
before(async () => {
  port = await freePort();
  node = await startNode({ config: `[metrics]\nport = ${port}\n` });
});
after(() => node.stop());

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function value(sample: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const line = text.split("\n").find((one) => one.startsWith(`${sample} `));
  assert.ok(line, `${sample} in:\n${text}`);
  return Number(line.slice(sample.length));
}

test("the host's Prometheus finds RPCs, pods, containers and the daemon's own use", async () => {
  const image = await pullBusybox(node);
  const pod = await runPod(node, "counted");
  await runContainer(node, pod, image, "main", "exec sleep 1000");
  await createContainer(node, pod, image, "waiting", "true");
  await assert.rejects(node.client.containerStatus({ containerId: "no-id" }));
  assert.equal(await value('lichen_rpcs_total{rpc="RunPodSandbox",code="OK"}'), 1);
  assert.equal(await value('lichen_rpcs_total{rpc="ContainerStatus",code="NOT_FOUND"}'), 1);
  assert.equal(await value('lichen_rpc_duration_seconds_count{rpc="PullImage"}'), 1);
  assert.equal(await value('lichen_pod_sandboxes{state="ready"}'), 1);
  assert.equal(await value('lichen_containers{state="running"}'), 1);
  assert.equal(await value('lichen_containers{state="created"}'), 1);
  assert.equal(await value("lichen_images"), 1);
  assert.ok((await value("process_resident_memory_bytes")) > 10_000_000);
});

test("it is there again after the daemon was killed", async () => {
  process.kill(node.daemonPid(), "SIGKILL");
  await node.ready();
  await eventually(async () => assert.equal(await value('lichen_pod_sandboxes{state="ready"}'), 1));
});
