import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { buildImage } from "../../fixtures/image.ts";
import { buildLayer } from "../../fixtures/image-layer.ts";
import { inNamespaces } from "../../support/in-namespaces.ts";
import { startImages, startRegistry } from "./node.ts";

const layers = [
  await buildLayer([
    { name: "home/", uid: 1000, gid: 1000, mode: 0o750 },
    { name: "home/file", uid: 1000, mode: 0o4755 },
  ]),
  await buildLayer([{ name: "home/more", uid: 33 }, { name: "home/.wh.file" }]),
];

if (inNamespaces("one")) {
  test("a node with a single id takes images of many owners, all files its own", async (t) => {
    const node = await startImages(t, { singleOwner: true });
    const registry = await startRegistry(t);
    const image = buildImage({ layers });
    registry.push("lab/app", image, "latest");
    await node.images.pull(`${registry.host}/lab/app`);
    const [top = "", bottom = ""] = node.images.rootSource(image.id).lower;
    for (const path of [
      join(bottom, "home"),
      join(bottom, "home/file"),
      join(top, "home"),
      join(top, "home/more"),
    ])
      assert.deepEqual([statSync(path).uid, statSync(path).gid], [0, 0], path);
    assert.equal(statSync(join(top, "home")).mode & 0o7777, 0o750);
    assert.ok(statSync(join(top, "home/file")).isCharacterDevice());
  });

  test("taken for a node with many ids, it says what is missing", async (t) => {
    const node = await startImages(t);
    const registry = await startRegistry(t);
    registry.push("lab/app", buildImage({ layers }), "latest");
    await assert.rejects(node.images.pull(`${registry.host}/lab/app`), {
      code: "FAILED_PRECONDITION",
      reason: /"home\/file" to 1000:0: the user namespace of this node maps no such id|"home\/more" to 33:0/,
      hint: /subuid/,
    });
    assert.deepEqual(node.layers(), []);
  });
}
