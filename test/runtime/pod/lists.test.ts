import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type LichenNode, startNode } from "../../support/node.ts";
import { pullBusybox, runContainer, runPod } from "../../support/pods.ts";

let node: LichenNode;
const pods: string[] = [];
before(async () => {
  node = await startNode();
  const image = await pullBusybox(node);
  for (const name of ["one", "two", "three"]) {
    const pod = await runPod(node, name, { labels: { name } });
    pods.push(pod.id);
    await runContainer(node, pod, image, "main", "exec sleep 1000", { labels: { name } });
  }
});
after(() => node.stop());

async function collect<T, E>(stream: AsyncIterable<T>, elements: (message: T) => E[]): Promise<E[]> {
  const all: E[] = [];
  for await (const message of stream) all.push(...elements(message));
  return all;
}
const filter = { labelSelector: { name: "two" } };

test("a stream of pods or containers tells what the list does, filtered as the list is", async () => {
  const { client } = node;
  const { items } = await client.listPodSandbox({});
  assert.equal(items.length, 3);
  assert.deepEqual(await collect(client.streamPodSandboxes({}), (m) => m.podSandboxes), items);
  assert.equal((await collect(client.streamPodSandboxes({ filter }), (m) => m.podSandboxes)).length, 1);
  const { containers } = await client.listContainers({});
  assert.deepEqual(await collect(client.streamContainers({}), (m) => m.containers), containers);
  const ofPod = { filter: { podSandboxId: pods[0]! } };
  assert.equal((await collect(client.streamContainers(ofPod), (m) => m.containers)).length, 1);
});

test("a stream of nothing ends without a message", async () => {
  const nowhere = { filter: { id: "f".repeat(64) } };
  assert.deepEqual(await collect(node.client.streamPodSandboxes(nowhere), (m) => [m]), []);
});

test("streams of stats tell each pod and container once", async () => {
  const { client } = node;
  const stats = await collect(client.streamPodSandboxStats({}), (m) => m.podSandboxStats);
  assert.deepEqual(stats.map((one) => one.attributes?.id).sort(), [...pods].sort());
  const some = await collect(client.streamContainerStats({ filter }), (m) => m.containerStats);
  assert.deepEqual(
    some.map((one) => one.attributes?.labels),
    [{ name: "two" }],
  );
});

test("metrics have descriptors, and tell of every pod and container", async () => {
  const { client } = node;
  const { descriptors } = await client.listMetricDescriptors({});
  const known = new Map(descriptors.map(({ name, labelKeys }) => [name, labelKeys]));
  for (const list of [
    (await client.listPodSandboxMetrics({})).podMetrics,
    await collect(client.streamPodSandboxMetrics({}), (m) => m.podSandboxMetrics),
  ]) {
    assert.deepEqual(list.map(({ podSandboxId }) => podSandboxId).sort(), [...pods].sort());
    for (const { metrics, containerMetrics } of list) {
      assert.equal(containerMetrics.length, 1);
      for (const metric of [...metrics, ...containerMetrics.flatMap((one) => one.metrics)])
        assert.equal(metric.labelValues.length, known.get(metric.name)?.length, metric.name);
      const names = new Set(metrics.map(({ name }) => name));
      for (const name of ["container_cpu_usage_seconds_total", "container_network_receive_bytes_total"])
        assert.ok(names.has(name), name);
    }
  }
});
