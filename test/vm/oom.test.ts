// Deaths for want of memory: who is told, and when nobody was there to see them.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type ContainerEventResponse, ContainerEventType, ContainerState } from "#cri";
import { type LichenNode, startNode } from "../support/node.ts";
import {
  containerStatus,
  eventually,
  exited,
  pullBusybox,
  runContainer,
  runPod,
  type TestPod,
} from "../support/pods.ts";
import { pidOf } from "./support.ts";

const mebibyte = 1024 * 1024;
const resources = { memoryLimitInBytes: 16 * mebibyte, memorySwapLimitInBytes: 16 * mebibyte };

let node: LichenNode;
let image: string;
let pod: TestPod;
let volume: string;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
  pod = await runPod(node, "hungry");
  volume = mkdtempSync(join(homedir(), "oom-"));
});
after(async () => {
  await node?.stop();
  rmSync(volume, { recursive: true, force: true });
});

/** A line of shell that waits for a file of the volume. */
const until = (name: string) => `until [ -e /volume/${name} ]; do sleep 0.1; done`;
const mounts = () => [{ hostPath: volume, containerPath: "/volume" }];

test("the event of the end has the reason, and the metrics count the kill", async () => {
  const heard: ContainerEventResponse[] = [];
  const end = new AbortController();
  const reading = (async () => {
    for await (const event of node.client.getContainerEvents({}, { signal: end.signal })) heard.push(event);
  })().catch((error: { code?: number }) => assert.equal(error.code, 1, "cancelled"));
  // The first process lives on after its child was killed.
  const script = `tail /dev/zero; ${until("second")}; exec tail /dev/zero`;
  const id = await runContainer(node, pod, image, "told", script, {
    linux: { resources },
    mounts: mounts(),
  });
  await eventually(async () => {
    const { podMetrics } = await node.client.listPodSandboxMetrics({});
    const metrics = podMetrics
      .flatMap(({ containerMetrics }) => containerMetrics)
      .find(({ containerId }) => containerId === id)?.metrics;
    const kills = metrics?.find(({ name }) => name === "container_oom_events_total");
    assert.equal(kills?.value?.value, 1);
  });
  assert.equal((await containerStatus(node, id)).state, ContainerState.CONTAINER_RUNNING);
  writeFileSync(join(volume, "second"), "");
  assert.equal((await exited(node, id)).reason, "OOMKilled");
  const stopped = () =>
    heard.filter(
      ({ containerId, containerEventType }) =>
        containerId === id && containerEventType === ContainerEventType.CONTAINER_STOPPED_EVENT,
    );
  await eventually(() => assert.equal(stopped().length, 1));
  const status = stopped()[0]?.containersStatuses.find((one) => one.id === id);
  assert.deepEqual([status?.exitCode, status?.reason], [137, "OOMKilled"]);
  end.abort();
  await reading;
});

test("a kill that no daemon was there to see has its reason after the next start", async () => {
  const script = `${until("go")}; exec tail /dev/zero`;
  const id = await runContainer(node, pod, image, "unseen", script, {
    linux: { resources },
    mounts: mounts(),
  });
  const bystander = await runContainer(node, pod, image, "bystander", "exec sleep 100000");
  const pid = await pidOf(node, id);
  const daemon = node.daemonPid();
  process.kill(node.launcherPid, "SIGTERM");
  await eventually(() => assert.ok(!existsSync(`/proc/${daemon}`)));
  writeFileSync(join(volume, "go"), "");
  await eventually(() => assert.ok(!existsSync(`/proc/${pid}`)));
  await node.restart();
  const { exitCode, reason } = await containerStatus(node, id);
  assert.deepEqual([exitCode, reason], [137, "OOMKilled"]);
  assert.equal((await containerStatus(node, bystander)).state, ContainerState.CONTAINER_RUNNING);
});
