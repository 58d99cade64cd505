import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { NamespaceMode } from "#cri";
import { type LichenNode, startNode } from "../../support/node.ts";
import { eventually, pullBusybox, runContainer, runPod } from "../../support/pods.ts";

// Shorter forms of two figures of the benchmark (bench/measures/{many-pods,growth}.ts), with room for a busy machine. LICHEN_LONG_TESTS=1
// makes them as long as there.
const long = process.env.LICHEN_LONG_TESTS !== undefined;
const [many, lives] = long ? [300, 2000] : [40, 150];

let node: LichenNode;
let image: string;
let made = 0;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
});
after(() => node.stop());

/** A pod on the node's network, which is a cheap one, with a container that runs. */
async function start(): Promise<string> {
  const linux = { securityContext: { namespaceOptions: { network: NamespaceMode.NODE } } };
  const pod = await runPod(node, `pod-${made++}`, { linux });
  await runContainer(node, pod, image, "main", "exec sleep 1000");
  return pod.id;
}

/** Does `work` so many times, six at once. */
async function repeatedly(times: number, work: () => Promise<unknown>): Promise<void> {
  let left = times;
  const one = async () => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: 6 }, one));
}

const descriptors = () => readdirSync(`/proc/${node.daemonPid()}/fd`).length;
const anonymousKibibytes = () =>
  Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${node.daemonPid()}/status`, "utf8"))?.[1]);

test("so many lives of pods cost the daemon no descriptor and no memory", async () => {
  const life = async () => node.client.removePodSandbox({ podSandboxId: await start() });
  await repeatedly(lives / 5, life);
  const first = { descriptors: descriptors(), memory: anonymousKibibytes() };
  await repeatedly(lives, life);
  await eventually(() => assert.ok(descriptors() <= first.descriptors, `${descriptors()} descriptors`));
  // Looks at memory are taken every five seconds; what a collection finds depends on the moment.
  await eventually(() => {
    const growth = anonymousKibibytes() / first.memory - 1;
    assert.ok(growth < 0.25, `${Math.round(growth * 100)} % more memory after ${lives} lives`);
  }, 20_000);
});

test("lists and stats of many pods are whole, and come quickly", async () => {
  const { client } = node;
  const ids: string[] = [];
  await repeatedly(many, async () => ids.push(await start()));
  const timed = async (call: () => Promise<number>) => {
    const times: number[] = [];
    for (let i = 0; i < 20; i++) {
      const began = performance.now();
      assert.equal(await call(), many);
      times.push(performance.now() - began);
    }
    return times.sort((one, other) => one - other)[10]!;
  };
  const medians = [
    await timed(async () => (await client.listPodSandbox({})).items.length),
    await timed(async () => (await client.listContainers({})).containers.length),
    await timed(async () => (await client.listContainerStats({})).stats.length),
    await timed(async () => (await client.listPodSandboxStats({})).stats.length),
  ];
  assert.ok(
    medians.every((milliseconds) => milliseconds < 100),
    `medians ${medians.map((one) => one.toFixed(1)).join(", ")} ms`,
  );
  await Promise.all(ids.map((podSandboxId) => client.removePodSandbox({ podSandboxId })));
});
