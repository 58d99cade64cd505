import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Mount, Outgoing } from "#cri";
import { buildImage } from "../../fixtures/image.ts";
import { buildLayer } from "../../fixtures/image-layer.ts";
import { Registry } from "../../fixtures/registry.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { containerStatus, createContainer, pullBusybox, runPod, type TestPod } from "../../support/pods.ts";

let node: LichenNode;
let registry: Registry;
let busybox: string;
let pod: TestPod;
let volume: string;
let single: string;
let digest: string;
let containers = 0;
before(async () => {
  node = await startNode();
  registry = await Registry.start();
  busybox = await pullBusybox(node);
  const lower = await buildLayer([
    { name: "data/model", content: "lower model" },
    { name: "data/gone", content: "whited out" },
    { name: "data/deep/file", content: "deep", uid: 7 },
    { name: "run", content: "#!/bin/sh\necho ran\n", mode: 0o755 },
    { name: "out", type: "symlink", linkname: "/../../../../etc" },
    { name: "in", type: "symlink", linkname: "/data/deep" },
    { name: "etc/hostname", content: "of the image\n" },
  ]);
  const upper = await buildLayer([
    { name: "data/model", content: "upper model" },
    { name: "data/.wh.gone", content: "" },
  ]);
  const image = buildImage({ layers: [lower, upper] });
  registry.push("lab/model", image, "1");
  registry.push("lab/single", buildImage({ layers: [lower] }), "1");
  volume = `${registry.host}/lab/model:1`;
  single = `${registry.host}/lab/single:1`;
  digest = `${registry.host}/lab/model@${image.digest}`;
  for (const reference of [volume, single]) await node.client.pullImage({ image: { image: reference } });
  pod = await runPod(node, "volumes");
});
after(async () => {
  await node.stop();
  await registry.close();
});

const mountOf = (image: string, imageSubPath = "", more: Outgoing<Mount> = {}): Outgoing<Mount> => ({
  containerPath: "/volume",
  image: { image },
  imageSubPath,
  readonly: true,
  ...more,
});

async function created(...mounts: Outgoing<Mount>[]): Promise<string> {
  const name = `c${++containers}`;
  return createContainer(node, pod, busybox, name, "exec sleep 1000", { mounts });
}

async function inside(...mounts: Outgoing<Mount>[]) {
  const containerId = await created(...mounts);
  await node.client.startContainer({ containerId });
  const sh = async (script: string) => {
    const cmd = ["sh", "-c", script];
    const { stdout, stderr } = await node.client.execSync({ containerId, cmd, timeout: 20 });
    return Buffer.from(stdout).toString() + Buffer.from(stderr).toString();
  };
  return { containerId, sh };
}

test("an image is a volume: its files merged, read-only, not executable, and its digest told", async () => {
  const { containerId, sh } = await inside(mountOf(volume));
  assert.equal(await sh("cat /volume/data/model"), "upper model");
  assert.equal(await sh("ls /volume/data"), "deep\nmodel\n");
  assert.match(await sh("echo x > /volume/data/model"), /Read-only file system/i);
  assert.match(await sh("touch /volume/new"), /Read-only file system/i);
  assert.match(await sh("/volume/run"), /Permission denied/i);
  assert.equal(await sh("stat -c %u /volume/data/deep/file"), "7\n");
  const { mounts } = await containerStatus(node, containerId);
  assert.equal(mounts[0]?.image?.imageRef, digest);
  assert.equal(mounts[0]?.image?.image, volume);
});

test("an image of one layer, an image by its id, and two volumes of one image", async () => {
  const id = (await node.client.imageStatus({ image: { image: single } })).image?.id ?? "";
  const { sh } = await inside(
    mountOf(id),
    mountOf(volume, "data", { containerPath: "/first" }),
    mountOf(volume, "data/deep", { containerPath: "/second/place" }),
  );
  assert.equal(await sh("cat /volume/data/gone"), "whited out");
  assert.match(await sh("echo x > /volume/new"), /Read-only file system/i);
  assert.equal(await sh("ls /first"), "deep\nmodel\n");
  assert.equal(await sh("cat /second/place/file"), "deep");
  assert.match(await sh("touch /first/new"), /Read-only file system/i);
});

test("a part of an image: a directory, a file, and through a link that stays inside", async () => {
  for (const image of [volume, single]) {
    const { sh } = await inside(
      mountOf(image, "data/deep"),
      mountOf(image, "/data/deep/file", { containerPath: "/one-file" }),
      mountOf(image, "in", { containerPath: "/linked" }),
      mountOf(image, "out", { containerPath: "/escape" }),
    );
    assert.equal(await sh("ls /volume; cat /one-file /linked/file"), "file\ndeepdeep");
    // The link points far above the image's root, which is where it ends.
    assert.equal(await sh("ls /escape; cat /escape/hostname"), "hostname\nof the image\n");
    // Nothing of the rest of the image is mounted anywhere.
    assert.equal(
      await sh("grep -c -e /volume -e /linked -e /escape -e one-file /proc/self/mountinfo"),
      "4\n",
    );
  }
});

test("a path that the image does not have is named, and nothing of the container is left", async () => {
  const before = (await node.client.listContainers()).containers.length;
  for (const image of [volume, single]) {
    await assert.rejects(created(mountOf(image, "data/nowhere")), {
      code: 3,
      details: /^ImageVolumeMountFailed: create container .*"data\/nowhere": the image has no such path/,
    });
  }
  await assert.rejects(created(mountOf(volume, "data/gone")), { code: 3 });
  await assert.rejects(created(mountOf("no.such/image:1")), {
    code: 5,
    details: /^ImageVolumeMountFailed: mount image volume no\.such\/image:1: .*not on this node/,
  });
  assert.equal((await node.client.listContainers()).containers.length, before);
});

test("what makes no sense is refused", async () => {
  const refused: [Outgoing<Mount>, RegExp][] = [
    [mountOf(volume, "", { hostPath: "/tmp" }), /host_path "\/tmp" is given beside an image/],
    [mountOf(volume, "a/../../b"), /contains "\.\."/],
    [mountOf(volume, "", { propagation: 1 }), /only private propagation/],
    [
      { containerPath: "/x", hostPath: "/tmp", imageSubPath: "y" },
      /image_sub_path is given without an image/,
    ],
  ];
  for (const [mount, details] of refused) await assert.rejects(created(mount), { code: 3, details });
});

test("a volume keeps its image's files, over the daemon's death, until its container is removed", async () => {
  const { containerId, sh } = await inside(mountOf(volume));
  await node.client.removeImage({ image: { image: volume } });
  assert.equal((await node.client.imageStatus({ image: { image: volume } })).image, null);
  process.kill(node.daemonPid(), "SIGKILL");
  await node.ready();
  assert.equal(await sh("cat /volume/data/model"), "upper model");
  await node.client.removePodSandbox({ podSandboxId: pod.id });
  await assert.rejects(containerStatus(node, containerId), { code: 5 });
});
