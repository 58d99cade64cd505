import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { ImageConfig } from "../../../src/image/types.ts";
import { type BuiltImage, buildImage } from "../../fixtures/image.ts";
import { type BuiltLayer, buildLayer } from "../../fixtures/image-layer.ts";
import { inNamespaces } from "../../support/in-namespaces.ts";
import { startImages, startRegistry } from "./node.ts";

const layerOf = (name: string, bytes: number): Promise<BuiltLayer> =>
  buildLayer([{ name, content: randomBytes(bytes) }], "none");

/** A node and a way to pull images of one own layer each on top of a common one. */
async function lab(t: TestContext, config: ImageConfig, ownBytes: number, diskSize?: string) {
  const node = await startImages(t, config, diskSize === undefined ? {} : { diskSize });
  const registry = await startRegistry(t);
  const base = await layerOf("base", 1000);
  const built = new Map<string, BuiltImage>();
  const reference = (name: string) => `${registry.host}/lab/${name}:1`;
  return {
    node,
    registry,
    reference,
    id: (name: string) => built.get(name)?.id ?? "",
    async pull(...names: string[]) {
      for (const name of names) {
        const image = buildImage({ layers: [base, await layerOf(name, ownBytes)] });
        built.set(name, image);
        registry.push(`lab/${name}`, image, "1");
        await node.images.pull(reference(name));
      }
    },
    /** Names of the images that are there. */
    present: () =>
      node.images
        .list()
        .flatMap(({ tags }) => tags)
        .map((tag) => /lab\/(.*):1/.exec(tag)?.[1] ?? tag)
        .sort(),
  };
}

if (inNamespaces("all")) {
  test("prune removes images without a tag, or all that nobody uses, and counts what only they held", async (t) => {
    const { node, pull, present, id, registry, reference } = await lab(t, {}, 5000);
    await pull("one", "two", "three", "used");
    node.images.acquire(id("used"), "container");
    assert.deepEqual(await node.images.prune(), { images: [], bytes: 0 });
    const dry = await node.images.prune({ all: true, dryRun: true });
    assert.equal(dry.images.length, 3);
    assert.equal(dry.bytes, 15_000);
    assert.equal(present().length, 4);

    // Another image under the same name takes it from the first.
    const moved = buildImage({ layers: [await layerOf("moved", 10)] });
    registry.push("lab/one", moved, "1");
    await node.images.pull(reference("one"));
    const untagged = await node.images.prune();
    assert.deepEqual(
      untagged.images.map((image) => image.id),
      [id("one")],
    );
    assert.equal(untagged.bytes, 5000);

    const pruned = await node.images.prune({ all: true });
    assert.equal(pruned.bytes, 10_010);
    assert.equal(pruned.images.length, 3);
    assert.deepEqual(present(), ["used"]);
    assert.equal(node.layers().length, 2);
    await node.images.release(id("used"), "container");
    assert.deepEqual(
      (await node.images.prune({ all: true })).images.map((image) => image.id),
      [id("used")],
    );
    assert.deepEqual(node.layers(), []);
  });

  test("pinned images stay, whatever is pruned", async (t) => {
    const first = await lab(t, { pinned: ["registry.invalid/lab/*"] }, 10);
    await first.pull("one");
    assert.equal(first.node.images.list()[0]?.pinned, false);
    const { host } = await startRegistry(t);
    const second = await lab(t, { pinned: [`${host}/x:1`, "127.0.0.1*"] }, 10);
    await second.pull("one");
    assert.equal(second.node.images.list()[0]?.pinned, true);
    assert.deepEqual((await second.node.images.prune({ all: true })).images, []);
    await second.node.images.remove(second.reference("one"));
    assert.deepEqual(second.present(), []);
  });

  test("past the high mark of the disk the longest unused images go, down to the low mark", async (t) => {
    const megabytes = 1 << 20;
    const gc = { highPercent: 60, lowPercent: 30 };
    const lines: object[] = [];
    const { node, pull, present, id } = await lab(t, { gc }, 8 * megabytes, "64m");
    await pull("a", "b", "c");
    await node.images.release(id("a"), "nobody");
    node.images.acquire(id("b"), "container");
    assert.deepEqual(present(), ["a", "b", "c"]);
    // 40 of 64 MB.
    await pull("d", "e");
    for (let waited = 0; present().length > 2 && waited < 10_000; waited += 20) await sleep(20);
    // "c" is the oldest, as "a" has been used since; "b" is in use.
    assert.deepEqual(present(), ["b", "e"], JSON.stringify(lines));
  });
}
