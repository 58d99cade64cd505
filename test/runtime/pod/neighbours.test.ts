import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { NamespaceMode } from "#cri";
import { type LichenNode, startNode } from "../../support/node.ts";
import { containerStatus, pullBusybox, runContainer, runPod } from "../../support/pods.ts";

// The end of one container is nobody else's: pods come and go at the same time, with each kind of PID namespace, while others run.

let node: LichenNode;
let image: string;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
});
after(() => node.stop());

const clients = 8;
const livesOfEach = 25;

for (const [name, pid] of [
  ["pod", NamespaceMode.POD],
  ["container", NamespaceMode.CONTAINER],
  ["node", NamespaceMode.NODE],
] as const) {
  test(`${clients * livesOfEach} lives of pods whose processes are in the ${name}'s PID namespace do not touch each other`, async () => {
    const linux = { securityContext: { namespaceOptions: { pid } } };
    const resident = await runPod(node, `resident-${name}`, { linux });
    const stays = await runContainer(node, resident, image, "stays", "exec sleep 1000", { linux });
    const client = async (index: number) => {
      for (let life = 0; life < livesOfEach; life++) {
        const pod = await runPod(node, `${name}-${index}-${life}`, { linux });
        const containerId = await runContainer(node, pod, image, "c", "exec sleep 1000", { linux });
        await node.client.stopContainer({ containerId, timeout: 0 });
        await node.client.removePodSandbox({ podSandboxId: pod.id });
      }
    };
    await Promise.all(Array.from({ length: clients }, (_, index) => client(index)));
    assert.equal((await containerStatus(node, stays)).exitCode, 0);
    assert.equal((await containerStatus(node, stays)).finishedAt, 0);
    await node.client.removePodSandbox({ podSandboxId: resident.id });
  });
}
