import assert from "node:assert/strict";
import { test } from "node:test";
import { type LichenNode, startNode } from "../../support/node.ts";
import { exited, logOf, pullBusybox, runContainer, runPod } from "../../support/pods.ts";

test("several instances of one user run side by side and know nothing of each other", async (t) => {
  const nodes: LichenNode[] = await Promise.all([startNode(), startNode(), startNode()]);
  t.after(() => Promise.all(nodes.map((node) => node.stop())));
  await Promise.all(
    nodes.map(async (node, index) => {
      const image = await pullBusybox(node);
      // The same name everywhere: names are an instance's own.
      const pod = await runPod(node, "same-name");
      const id = await runContainer(node, pod, image, "main", `echo ${index}`);
      const { logPath } = await exited(node, id);
      assert.equal(logOf(logPath), `${index}\n`);
      const { items } = await node.client.listPodSandbox({});
      assert.deepEqual(
        items.map((item) => item.id),
        [pod.id],
      );
    }),
  );
});

test("a second daemon on the same directories is refused, and the first is not disturbed", async (t) => {
  const node = await startNode();
  t.after(() => node.stop());
  const { status, stderr } = await node.lichen("serve", "--data-dir", node.dataDir);
  assert.notEqual(status, 0);
  assert.match(stderr, /is serving it/);
  await node.client.version({});
});
