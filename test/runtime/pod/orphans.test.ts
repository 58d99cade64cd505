import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { NamespaceMode } from "#cri";
import { buildImage } from "../../fixtures/image.ts";
import { busyboxLayer, findBusybox } from "../../fixtures/image-demo.ts";
import { buildLayer } from "../../fixtures/image-layer.ts";
import { Registry } from "../../fixtures/registry.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { containerStatus, eventually, exited, runContainer, runPod } from "../../support/pods.ts";

// A node without cgroups of its own: a monitor that is killed takes its containers along all the same.

let node: LichenNode;
let image: string;
before(async () => {
  node = await startNode({ config: '[cgroups]\nsubtree = "none"\n' });
  const registry = await Registry.start();
  const setuid = { name: "set/sleep", mode: 0o4755, content: readFileSync(findBusybox() as string) };
  const layers = [await busyboxLayer(), await buildLayer([{ name: "set/" }, setuid])];
  registry.push("library/setuid", buildImage({ layers }), "latest");
  image = `${registry.host}/library/setuid:latest`;
  await node.client.pullImage({ image: { image } });
});
after(() => node.stop());

for (const [how, command] of [
  ["an ordinary program", ["/bin/sleep", "1000"]],
  ["a setuid program, which forgets its parent's death", ["/set/sleep", "1000"]],
] as const) {
  test(`a killed monitor takes along ${how}`, async () => {
    const namespaceOptions = { pid: NamespaceMode.CONTAINER };
    const pod = await runPod(node, `orphans-${command[0].length}`, {
      linux: { securityContext: { namespaceOptions } },
    });
    const id = await runContainer(node, pod, image, "main", "", {
      command: [...command],
      linux: { securityContext: { runAsUser: { value: 1000 } } },
    });
    const { info } = await node.client.containerStatus({ containerId: id, verbose: true });
    const { pid } = JSON.parse(info.info ?? "{}");
    assert.ok(existsSync(`/proc/${pid}`));
    const directory = join(node.runtimeDir, "pods", pod.id.slice(0, 16));
    process.kill(Number(readFileSync(join(directory, "monitor.pid"), "utf8").split(" ")[0]), "SIGKILL");
    await exited(node, id);
    await eventually(() => assert.ok(!existsSync(`/proc/${pid}`), "it lives on"));
    assert.equal((await containerStatus(node, id)).exitCode, 137);
    await node.client.removePodSandbox({ podSandboxId: pod.id });
  });
}
