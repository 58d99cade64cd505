import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { NamespaceMode, type PodSandboxStats } from "#cri";
import { type LichenNode, startNode } from "../../support/node.ts";
import {
  createContainer,
  eventually,
  pullBusybox,
  runContainer,
  runPod,
  type TestPod,
} from "../../support/pods.ts";

let node: LichenNode;
let image: string;
let pod: TestPod;
let busy: string;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
  pod = await runPod(node, "web", { labels: { app: "web" } });
  busy = await runContainer(node, pod, image, "busy", "while :; do :; done");
});
after(() => node.stop());

async function statsOf(podSandboxId: string): Promise<PodSandboxStats> {
  const { stats } = await node.client.podSandboxStats({ podSandboxId });
  assert.ok(stats);
  return stats;
}

test("a container that computes uses CPU at a rate, and memory", async () => {
  const { stats } = await node.client.containerStats({ containerId: busy });
  const before = stats?.cpu?.usageCoreNanoSeconds?.value ?? 0;
  await eventually(async () => {
    const { stats: now } = await node.client.containerStats({ containerId: busy });
    assert.ok((now?.cpu?.usageCoreNanoSeconds?.value ?? 0) > before + 50_000_000);
    const cores = now?.cpu?.usageNanoCores?.value ?? 0;
    assert.ok(cores > 1_000_000 && cores < 1_500_000_000, `${cores} nanocores`);
    assert.ok((now?.memory?.workingSetBytes?.value ?? 0) > 0);
    assert.ok((now?.memory?.pageFaults?.value ?? 0) > 0);
    assert.ok((now?.writableLayer?.inodesUsed?.value ?? 0) > 0);
  });
});

test("a pod's stats hold its containers', its processes and its network", async () => {
  await node.client.execSync({ containerId: busy, cmd: ["ping", "-c", "1", "-W", "1", "10.210.0.1"] });
  const { attributes, linux } = await statsOf(pod.id);
  assert.equal(attributes?.metadata?.name, "web");
  assert.deepEqual(attributes?.labels, { app: "web" });
  assert.deepEqual(
    linux?.containers.map((one) => one.attributes?.id),
    [busy],
  );
  const own = linux?.cpu?.usageCoreNanoSeconds?.value ?? 0;
  assert.ok(own >= (linux?.containers[0]?.cpu?.usageCoreNanoSeconds?.value ?? Infinity), "pod ≥ container");
  assert.ok((linux?.process?.processCount?.value ?? 0) >= 2, "monitor and shell");
  assert.equal(linux?.network?.defaultInterface?.name, "eth0");
  assert.ok((linux?.network?.defaultInterface?.txBytes?.value ?? 0) > 0);
});

test("what a container writes is counted", async () => {
  const write = await runContainer(
    node,
    pod,
    image,
    "writer",
    "head -c 1000000 /dev/zero > /big; sleep 1000",
  );
  await eventually(async () => {
    const { stats } = await node.client.containerStats({ containerId: write });
    assert.ok((stats?.writableLayer?.usedBytes?.value ?? 0) >= 1_000_000);
  });
  await node.client.removeContainer({ containerId: write });
});

test("pods are chosen by id and label; stopped ones are not listed, and one on the node's network has none", async () => {
  const namespaceOptions = { network: NamespaceMode.NODE };
  const other = await runPod(node, "other", { linux: { securityContext: { namespaceOptions } } });
  const list = async (filter: object) =>
    (await node.client.listPodSandboxStats({ filter })).stats.map((one) => one.attributes?.metadata?.name);
  assert.deepEqual(await list({}), ["other", "web"]);
  assert.deepEqual(await list({ id: other.id }), ["other"]);
  assert.deepEqual(await list({ labelSelector: { app: "web" } }), ["web"]);
  assert.equal((await statsOf(other.id)).linux?.network, null);
  await node.client.stopPodSandbox({ podSandboxId: other.id });
  assert.deepEqual(await list({}), ["web"]);
  assert.equal((await statsOf(other.id)).linux?.cpu, null);
});

test("pods that share a cgroup are told apart", async () => {
  const cgroupParent = "/shared";
  const quiet = await runPod(node, "quiet", { linux: { cgroupParent } });
  const loud = await runPod(node, "loud", { linux: { cgroupParent } });
  await runContainer(node, loud, image, "busy", "while :; do :; done");
  const used = async (id: string) => (await statsOf(id)).linux?.cpu?.usageCoreNanoSeconds?.value ?? 0;
  await eventually(async () => assert.ok((await used(loud.id)) > (await used(quiet.id)) + 200_000_000));
});

test("a container that does not run has no processes to count", async () => {
  const containerId = await createContainer(node, pod, image, "idle", "true");
  const { stats } = await node.client.containerStats({ containerId });
  assert.equal(stats?.cpu, null);
  assert.ok(stats?.writableLayer);
});
