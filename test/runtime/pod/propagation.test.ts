import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { MountPropagation } from "#cri";
import { type LichenNode, startNode } from "../../support/node.ts";
import { pullBusybox, runContainer, runPod, type TestPod } from "../../support/pods.ts";

// Mounts that come and go while containers run: who sees them. The node's side is its mount namespace, where a kubelet and its CSI
// drivers mount.

const { PROPAGATION_PRIVATE, PROPAGATION_HOST_TO_CONTAINER, PROPAGATION_BIDIRECTIONAL } = MountPropagation;

let node: LichenNode;
let image: string;
let pod: TestPod;
/** A shared mount of the node's. */
let shared: string;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
  pod = await runPod(node, "propagation", { linux: { securityContext: { privileged: true } } });
  shared = join(node.base, "shared");
  mkdirSync(shared);
  await onNode(
    `mount -t tmpfs shared ${shared} && mount --make-shared ${shared} && mkdir ${shared}/a ${shared}/b`,
  );
});
after(async () => {
  await onNode(`umount -R ${shared}`);
  await node.stop();
});

/** Runs a script in the node's namespaces. */
async function onNode(script: string): Promise<string> {
  const { status, stdout, stderr } = await node.lichen("enter", "sh", "-c", script);
  assert.equal(status, 0, stderr);
  return stdout;
}

/** A container that has the shared mount at /v, and may mount. */
async function container(name: string, propagation: MountPropagation, more: object = {}) {
  const containerId = await runContainer(node, pod, image, name, "exec sleep 1000", {
    mounts: [{ hostPath: shared, containerPath: "/v", propagation, ...more }],
    linux: { securityContext: { privileged: true } },
  });
  return async (script: string): Promise<string> => {
    const { stdout, stderr } = await node.client.execSync({
      containerId,
      cmd: ["sh", "-c", script],
      timeout: 20,
    });
    return Buffer.concat([stdout, stderr]).toString().trim();
  };
}

const mountOnNode = (at: string) => onNode(`mount -t tmpfs late ${at} && echo from the node > ${at}/file`);
const read = "cat /v/a/file 2>/dev/null || echo nothing";
const mountWithin = "mount -t tmpfs within /v/b && echo from within > /v/b/file && cat /v/b/file";

test("private: neither sees what the other mounts later", async () => {
  const sh = await container("private", PROPAGATION_PRIVATE);
  await mountOnNode(`${shared}/a`);
  assert.equal(await sh(read), "nothing");
  assert.equal(await sh(mountWithin), "from within");
  assert.equal(await onNode(`ls ${shared}/b`), "");
  await onNode(`umount ${shared}/a`);
});

test("host to container: the node's mounts come and go in the container, not the other way", async () => {
  const sh = await container("slave", PROPAGATION_HOST_TO_CONTAINER);
  assert.equal(await sh(read), "nothing");
  await mountOnNode(`${shared}/a`);
  assert.equal(await sh(read), "from the node");
  assert.equal(await sh(mountWithin), "from within");
  assert.equal(await onNode(`ls ${shared}/b`), "");
  await onNode(`umount ${shared}/a`);
  assert.equal(await sh(read), "nothing");
});

test("bidirectional: what a container mounts the node has, and another container too", async () => {
  const sh = await container("shared", PROPAGATION_BIDIRECTIONAL);
  const other = await container("witness", PROPAGATION_HOST_TO_CONTAINER);
  await mountOnNode(`${shared}/a`);
  assert.equal(await sh(read), "from the node");
  assert.equal(await sh(mountWithin), "from within");
  assert.equal(await onNode(`cat ${shared}/b/file`), "from within\n");
  assert.equal(await other("cat /v/b/file"), "from within");
  assert.equal(await sh("umount /v/b && ls /v/b"), "");
  assert.equal(await onNode(`ls ${shared}/b`), "");
  await onNode(`umount ${shared}/a`);
});

test("what a container mounted on the node's shared mount outlives it, as on any node", async () => {
  const { containerId } = await node.client.createContainer({
    podSandboxId: pod.id,
    sandboxConfig: pod.config,
    config: {
      metadata: { name: "mounter", attempt: 0 },
      image: { image },
      command: ["sh", "-c", `${mountWithin}; exec sleep 1000`],
      mounts: [{ hostPath: shared, containerPath: "/v", propagation: PROPAGATION_BIDIRECTIONAL }],
      linux: { securityContext: { privileged: true } },
    },
  });
  await node.client.startContainer({ containerId });
  const witness = await container("afterwards", PROPAGATION_HOST_TO_CONTAINER);
  const there = async () => (await witness("cat /v/b/file 2>/dev/null")) === "from within";
  for (let tries = 0; tries < 100 && !(await there()); tries++);
  await node.client.removeContainer({ containerId });
  assert.equal(await onNode(`cat ${shared}/b/file`), "from within\n");
  await onNode(`umount ${shared}/b`);
});

test("recursively read-only: also what was mounted below before", async () => {
  await mountOnNode(`${shared}/a`);
  const plain = await container("read-only", PROPAGATION_PRIVATE, { readonly: true });
  assert.match(await plain("touch /v/x"), /Read-only/);
  assert.equal(await plain("touch /v/a/x && echo written"), "written");
  const recursive = await container("recursive", PROPAGATION_PRIVATE, {
    readonly: true,
    recursiveReadOnly: true,
  });
  assert.match(await recursive("touch /v/x"), /Read-only/);
  assert.match(await recursive("touch /v/a/x"), /Read-only/);
  await onNode(`umount ${shared}/a`);
});

test("a private mount of the node's cannot be had in both directions: refused, with the command that mends it", async () => {
  const own = join(node.base, "own");
  mkdirSync(own);
  await onNode(`mount -t tmpfs own ${own} && mount --make-private ${own}`);
  for (const propagation of [PROPAGATION_BIDIRECTIONAL, PROPAGATION_HOST_TO_CONTAINER]) {
    await assert.rejects(
      runContainer(node, pod, image, `refused-${propagation}`, "true", {
        mounts: [{ hostPath: own, containerPath: "/v", propagation }],
      }),
      (error: Error) =>
        /FAILED_PRECONDITION/.test(error.message) && error.message.includes(`make-rshared ${own}`),
    );
  }
  await onNode(`umount ${own}`);
});
