import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { demoImage } from "../../fixtures/image-demo.ts";
import { Registry } from "../../fixtures/registry.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { eventually, runContainer, runPod } from "../../support/pods.ts";

let node: LichenNode;
let registry: Registry;
let name: string;
before(async () => {
  registry = await Registry.start();
  registry.push("lab/app", await demoImage(), "1", "2");
  registry.push("mirror/app", await demoImage(), "1");
  name = `${registry.host}/lab/app`;
  node = await startNode({ config: `[images]\npinned = ["${registry.host}/lab/app:2"]\n` });
});
after(async () => {
  await node.stop();
  await registry.close();
});

const pull = async (image: string) => (await node.client.pullImage({ image: { image } })).imageRef;
const status = async (image: string, verbose = false) =>
  node.client.imageStatus({ image: { image }, verbose });

test("an image has one id, whatever it is called by and whoever is asked", async () => {
  const id = await pull(`${name}:1`);
  assert.match(id, /^sha256:[0-9a-f]{64}$/);
  assert.equal(await pull(`${registry.host}/mirror/app:1`), id);
  const { image } = await status(`${name}:1`);
  const names = [
    id,
    id.slice(7),
    id.slice(7, 20),
    `${registry.host}/mirror/app:1`,
    ...(image?.repoDigests ?? []),
  ];
  assert.equal(image?.repoDigests.length, 2);
  for (const each of names) assert.equal((await status(each)).image?.id, id, each);
  assert.deepEqual(
    (await node.client.listImages()).images.map((listed) => listed.id),
    [id],
  );
  for await (const { images } of node.client.streamImages())
    assert.deepEqual(images, (await node.client.listImages()).images);

  const pod = await runPod(node, "ids");
  for (const [at, asked] of [`${name}:1`, id, image?.repoDigests[1] ?? ""].entries()) {
    const containerId = await runContainer(node, pod, asked, `c${at}`, "sleep 1000");
    const answer = (await node.client.containerStatus({ containerId })).status;
    assert.equal(answer?.imageId, id);
    const [listed] = (await node.client.listContainers({ filter: { id: containerId } })).containers;
    assert.equal(listed?.imageId, id);
    // The kubelet's garbage collection knows images in use by the list's reference; a pod's status shows the digest.
    assert.equal(listed?.imageRef, id);
    assert.ok(image?.repoDigests.includes(answer?.imageRef ?? ""));
    for (const ref of [answer?.imageRef ?? "", listed?.imageRef ?? ""])
      assert.equal((await status(ref)).image?.id, id);
  }
  await node.client.removePodSandbox({ podSandboxId: pod.id });
});

test("a verbose status has the image's configuration whole, and its layers", async () => {
  const { image, info } = await status(`${name}:1`, true);
  const details = JSON.parse(info.info ?? "");
  assert.equal(details.imageSpec.rootfs.type, "layers");
  assert.equal(details.layers.length, details.imageSpec.rootfs.diff_ids.length);
  assert.deepEqual(
    details.layers.map(({ diffId }: { diffId: string }) => diffId),
    details.imageSpec.rootfs.diff_ids,
  );
  assert.equal(details.chainID, details.layers.at(-1).chainId);
  const unpacked = details.layers.reduce((sum: number, layer: { bytes: number }) => sum + layer.bytes, 0);
  assert.ok(unpacked > 0 && unpacked <= (image?.size ?? 0));
  assert.deepEqual(image?.uid, { value: 0 });
});

test("a pinned image says so, under each of its names", async () => {
  assert.equal((await status(`${name}:1`)).image?.pinned, false);
  await pull(`${name}:2`);
  assert.equal((await status(`${name}:1`)).image?.pinned, true);
  assert.equal((await node.client.listImages()).images[0]?.pinned, true);
});

test("the file systems' figures follow what containers write, and keep to one mount point", async () => {
  const figures = async () => {
    const { imageFilesystems, containerFilesystems } = await node.client.imageFsInfo();
    return { images: imageFilesystems[0]!, containers: containerFilesystems[0]! };
  };
  const before = await figures();
  assert.equal(before.images.fsId?.mountpoint, before.containers.fsId?.mountpoint);
  assert.ok((before.images.usedBytes?.value ?? 0) > 100_000);
  const pod = await runPod(node, "writer");
  await runContainer(node, pod, `${name}:1`, "c", "head -c 3000000 /dev/zero >/file; sleep 1000");
  await eventually(async () => {
    const { images, containers } = await figures();
    assert.ok((containers.usedBytes?.value ?? 0) >= 3_000_000);
    assert.ok((containers.inodesUsed?.value ?? 0) > (before.containers.inodesUsed?.value ?? 0));
    assert.equal(images.usedBytes?.value, before.images.usedBytes?.value);
  });
  await node.client.removePodSandbox({ podSandboxId: pod.id });
  await eventually(async () => assert.ok(((await figures()).containers.usedBytes?.value ?? 0) < 3_000_000));
});

test("removing takes the image with all its names, may be repeated, and leaves containers their files", async () => {
  const pod = await runPod(node, "user");
  const containerId = await runContainer(node, pod, `${name}:1`, "c", "sleep 1000");
  await node.client.removeImage({ image: { image: `${name}:1` } });
  for (const each of [`${name}:1`, `${name}:2`, `${registry.host}/mirror/app:1`]) {
    assert.equal((await status(each)).image, null);
    await node.client.removeImage({ image: { image: each } });
  }
  assert.deepEqual((await node.client.listImages()).images, []);
  const { stdout } = await node.client.execSync({ containerId, cmd: ["cat", "/etc/passwd"] });
  assert.match(stdout.toString(), /root/);
  const id = (await node.client.containerStatus({ containerId })).status?.imageId ?? "";
  assert.equal(await pull(`${name}:1`), id);
  await node.client.removePodSandbox({ podSandboxId: pod.id });
});
