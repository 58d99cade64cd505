import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { NamespaceMode } from "#cri";
import { type LichenNode, startNode } from "../../support/node.ts";
import { exited, pullBusybox, runContainer, runPod, type TestPod } from "../../support/pods.ts";

// Without cgroups nothing but its namespaces tells which processes are a container's.
let node: LichenNode;
let image: string;
before(async () => {
  node = await startNode({ config: '[cgroups]\nsubtree = "none"\n' });
  image = await pullBusybox(node);
});
after(() => node.stop());

async function processesSeen(containerId: string): Promise<string> {
  const { stdout } = await node.client.execSync({ containerId, cmd: ["ps", "-o", "args"], timeout: 20 });
  return Buffer.from(stdout).toString();
}

/** A pod whose containers see each other's processes, with one that stays. */
async function sharedPod(name: string): Promise<{ pod: TestPod; watcher: string }> {
  const namespaceOptions = { pid: NamespaceMode.POD };
  const pod = await runPod(node, name, { linux: { securityContext: { namespaceOptions } } });
  return { pod, watcher: await runContainer(node, pod, image, "watcher", "exec sleep 1000") };
}

test("what a container leaves behind in the pod's PID namespace ends with it", async () => {
  const { pod, watcher } = await sharedPod("exits");
  const id = await runContainer(node, pod, image, "main", "setsid sleep 4711 & sleep 0.2; exit 0");
  await exited(node, id);
  const seen = await processesSeen(watcher);
  assert.match(seen, /sleep 1000/, "its neighbour is not touched");
  assert.doesNotMatch(seen, /sleep 4711/);
});

test("the same for a container that is stopped", async () => {
  const { pod, watcher } = await sharedPod("stopped");
  const containerId = await runContainer(node, pod, image, "main", "setsid sleep 4712 & exec sleep 1001");
  await node.client.stopContainer({ containerId, timeout: 0 });
  assert.doesNotMatch(await processesSeen(watcher), /sleep 471|sleep 1001/);
});
