import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { chainIds, hexOf } from "../../../src/image/digest.ts";
import { type BuiltImage, buildImage } from "../../fixtures/image.ts";
import { type BuiltLayer, buildLayer, type LayerEntry } from "../../fixtures/image-layer.ts";
import { Registry } from "../../fixtures/registry.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { type Random, randomFrom } from "../../support/random.ts";

// The whole of it, 200 deaths, takes minutes: LICHEN_LONG_TESTS=1.
const kills = process.env.LICHEN_LONG_TESTS === "1" ? 200 : 8;
const filesPerLayer = 300;
const directoriesPerLayer = 10;

/** A layer of many small files and a large one; the same every time. */
function layerOf(name: string): Promise<BuiltLayer> {
  const entries: LayerEntry[] = [];
  for (let d = 0; d < directoriesPerLayer; d++) entries.push({ name: `${name}/${d}/` });
  for (let f = 0; f < filesPerLayer; f++)
    entries.push({ name: `${name}/${f % directoriesPerLayer}/${f}`, content: `${name} ${f} `.repeat(50) });
  const random = randomFrom(name.length);
  const large = Buffer.from(Array.from({ length: 500_000 }, () => random.below(256)));
  return buildLayer([...entries, { name: `${name}/large`, content: large }]);
}

/** Files and bytes of a tree. */
function measure(directory: string): { files: number; bytes: number } {
  const found = { files: 0, bytes: 0 };
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    found.files++;
    found.bytes += statSync(join(entry.parentPath, entry.name)).size;
  }
  return found;
}

interface Lab {
  node: LichenNode;
  registry: Registry;
  images: Map<string, { image: BuiltImage; layers: BuiltLayer[] }>;
  random: Random;
}

/** Pulls that the daemon's death may end. */
function pullAll({ node, images }: Lab): Promise<PromiseSettledResult<unknown>[]> {
  return Promise.allSettled([...images.keys()].map((image) => node.client.pullImage({ image: { image } })));
}

/** No directory but those of whole layers; their names. */
function wholeLayers({ node }: Lab): string[] {
  const layers = join(node.dataDir, "layers");
  const names = readdirSync(layers);
  for (const name of names) {
    assert.match(name, /^[0-9a-f]{64}$/);
    const { files, bytes } = measure(join(layers, name));
    assert.equal(files, filesPerLayer + 1, name);
    assert.ok(bytes > 500_000, name);
  }
  return names;
}

/** A daemon again, after the one before was killed. */
async function daemonAgain({ node, random }: Lab): Promise<void> {
  // A launcher that starts one daemon after another waits longer and longer, up to ten seconds: mostly there is a new one.
  await (random.chance(0.2) ? node.ready() : node.replaceLauncher());
}

async function dieWhilePulling(lab: Lab, longest: number): Promise<void> {
  const { node, random, images } = lab;
  const pulls = pullAll(lab);
  await sleep(random.number() * longest);
  process.kill(node.daemonPid(), "SIGKILL");
  const results = await pulls;
  await daemonAgain(lab);
  const kept = wholeLayers(lab);
  // Whoever was told that an image is there finds it there.
  const present = new Set((await node.client.listImages({})).images.map(({ id }) => id));
  for (const [i, { image }] of [...images.values()].entries())
    if (results[i]?.status === "fulfilled") assert.ok(present.has(image.id));

  const digests = new Map<string, string>();
  for (const { layers } of images.values())
    for (const [i, chainId] of chainIds(layers.map(({ diffId }) => diffId)).entries())
      digests.set(hexOf(chainId), layers[i]?.digest ?? "");
  const fetched = kept.map((name) => lab.registry.count(digests.get(name) ?? "unknown"));
  for (const result of await pullAll(lab)) assert.equal(result.status, "fulfilled", JSON.stringify(result));
  kept.forEach((name, i) => {
    assert.equal(lab.registry.count(digests.get(name) ?? "unknown"), fetched[i], "fetched again");
  });
  assert.equal(wholeLayers(lab).length, digests.size);
}

test("a daemon killed while it pulls leaves whole layers only, and goes on from there", async (t) => {
  const registry = await Registry.start();
  t.after(() => registry.close());
  const base = await layerOf("base");
  const middle = await layerOf("middle");
  const images: Lab["images"] = new Map();
  for (const name of ["one", "two", "three"]) {
    const layers = [base, middle, await layerOf(name), await layerOf(`${name}-top`)];
    const image = buildImage({ layers });
    registry.push(`lab/${name}`, image, "1");
    images.set(`${registry.host}/lab/${name}:1`, { image, layers });
  }
  const node = await startNode();
  const seed = Math.floor(Math.random() * 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  const lab: Lab = { node, registry, images, random: randomFrom(seed) };
  try {
    const began = performance.now();
    for (const { status } of await pullAll(lab)) assert.equal(status, "fulfilled");
    const longest = performance.now() - began;
    t.diagnostic(`a pull takes ${Math.round(longest)} ms`);
    for (let i = 0; i < kills; i++) {
      for (const image of images.keys())
        if (i % 4 === 0 || lab.random.chance(0.7)) await node.client.removeImage({ image: { image } });
      await dieWhilePulling(lab, longest).catch((error: unknown) => {
        throw new Error(`death ${i + 1} of ${kills}\n${node.log().slice(-4000)}`, { cause: error });
      });
    }
  } catch (error) {
    // The node may not even end well any more; what went wrong first is what counts.
    await node.stop().catch(() => {});
    throw error;
  }
  // What the last death left complete is kept for a while, also when its images go, unless somebody wants the space.
  const pruned = await node.lichen("image", "prune");
  assert.equal(pruned.status, 0, pruned.stderr);
  await node.stop();
});
