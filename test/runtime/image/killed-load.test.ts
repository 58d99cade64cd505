import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createWriteStream, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { chainIds, hexOf } from "../../../src/image/digest.ts";
import { buildImage } from "../../fixtures/image.ts";
import { type BuiltLayer, buildLayer, type LayerEntry } from "../../fixtures/image-layer.ts";
import { writeLayout } from "../../fixtures/oci-layout.ts";
import { dist, type LichenNode, startNode } from "../../support/node.ts";
import { slowness } from "../../support/patience.ts";
import { type Random, randomFrom } from "../../support/random.ts";

const randomDeaths = process.env.LICHEN_LONG_TESTS === "1" ? 100 : 2;
const filesPerLayer = 800;
const tag = "lab.example/app:1";

/** A layer whose unpacking can be caught in the middle. */
function layerOf(name: string, random: Random): Promise<BuiltLayer> {
  const entries: LayerEntry[] = [];
  for (let f = 0; f < filesPerLayer; f++)
    entries.push({ name: `${name}/${f}`, content: String(random.below(1e9)).repeat(100) });
  return buildLayer(entries);
}

interface Lab {
  node: LichenNode;
  archive: Buffer;
  id: string;
  /** What the layers' directories are called. */
  chain: string[];
}

async function startLab(t: TestContext, random: Random): Promise<Lab> {
  const layers = [
    await layerOf("lower", random),
    await layerOf("middle", random),
    await layerOf("upper", random),
  ];
  const image = buildImage({ layers });
  const folder = mkdtempSync(join(tmpdir(), "lichen-killed-load-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "layout"));
  writeLayout(join(folder, "layout"), image, tag);
  execFileSync("tar", ["-cf", join(folder, "archive.tar"), "-C", join(folder, "layout"), "."]);
  const archive = readFileSync(join(folder, "archive.tar"));
  return {
    node: await startNode(),
    archive,
    id: image.id,
    chain: chainIds(layers.map(({ diffId }) => diffId)).map(hexOf),
  };
}

/** `lichen load`, given the archive's bytes; `held` of them only when it is let go. */
function startLoading(
  { node, archive }: Lab,
  held = 0,
): { ended: Promise<number | null>; letGo: () => void } {
  const child = spawn(join(dist, "lichen"), ["--runtime-dir", node.runtimeDir, "load"], { stdio: "pipe" });
  child.stdin.on("error", () => {});
  child.stdout.resume();
  child.stderr.pipe(createWriteStream("/dev/null"));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  child.stdin.write(archive.subarray(0, archive.length - held));
  const letGo = () => child.stdin.end(archive.subarray(archive.length - held));
  if (held === 0) letGo();
  return { ended, letGo };
}

const inLayers = ({ node }: Lab) => readdirSync(join(node.dataDir, "layers"));

/** Waits until `reached`, looking often: unpacking takes a tenth of a second. */
async function when(reached: () => boolean): Promise<void> {
  const end = Date.now() + 20_000 * slowness;
  while (!reached()) {
    if (Date.now() > end) throw new Error("it did not come to that");
    await sleep(1);
  }
}

function kill({ node }: Lab): void {
  process.kill(node.daemonPid(), "SIGKILL");
}

/** After a death: a new daemon has whole layers and nothing else, all of the image or none of it, and takes the archive. */
async function recovers(lab: Lab, status: number | null): Promise<void> {
  const { node, id, chain } = lab;
  await node.replaceLauncher();
  for (const name of inLayers(lab)) {
    assert.ok(chain.includes(name), `${name} is no layer`);
    const files = readdirSync(join(node.dataDir, "layers", name), { recursive: true, withFileTypes: true });
    assert.equal(files.filter((entry) => entry.isFile()).length, filesPerLayer, `${name} is half a layer`);
  }
  const present = (await node.client.listImages({})).images.map((image) => image.id);
  // Who was told that the image is there finds it there.
  if (status === 0) assert.deepEqual(present, [id]);
  if (present.length > 0) assert.deepEqual(inLayers(lab).sort(), [...chain].sort());

  assert.equal(await startLoading(lab).ended, 0, node.log().slice(-3000));
  assert.deepEqual(inLayers(lab).sort(), [...chain].sort());
  const { image } = await node.client.imageStatus({ image: { image: tag } });
  assert.equal(image?.id, id);
  await node.client.removeImage({ image: { image: id } });
  // What a death left complete is kept for a while, unless somebody wants the space.
  const pruned = await node.lichen("image", "prune");
  assert.equal(pruned.status, 0, pruned.stderr);
  assert.deepEqual(inLayers(lab), []);
}

test("a daemon killed in the middle of a load leaves whole layers only, and the next load succeeds", async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  const random = randomFrom(seed);
  const lab = await startLab(t, random);
  const { node, archive } = lab;
  try {
    const began = performance.now();
    assert.equal(await startLoading(lab).ended, 0);
    const wholeMs = performance.now() - began;
    await node.client.removeImage({ image: { image: lab.id } });

    await t.test("while the archive is still coming", async () => {
      const loading = startLoading(lab, archive.length >> 1);
      await when(() => inLayers(lab).some((name) => name.startsWith("partial-archive-")));
      await sleep(50);
      kill(lab);
      const status = await loading.ended;
      loading.letGo();
      assert.notEqual(status, 0);
      await recovers(lab, status);
    });

    await t.test("while layers are unpacked", async () => {
      const { ended } = startLoading(lab);
      await when(() => inLayers(lab).some((name) => /^partial-(?!archive-)/.test(name)));
      kill(lab);
      await recovers(lab, await ended);
    });

    await t.test("when a layer is complete", async () => {
      const { ended } = startLoading(lab);
      await when(() => inLayers(lab).some((name) => lab.chain.includes(name)));
      kill(lab);
      await recovers(lab, await ended);
    });

    await t.test("as soon as the image is there", async () => {
      const { ended } = startLoading(lab);
      const status = await ended;
      assert.equal(status, 0);
      kill(lab);
      await recovers(lab, status);
    });

    await t.test(`at ${randomDeaths} random moments`, async () => {
      for (let i = 0; i < randomDeaths; i++) {
        const { ended } = startLoading(lab);
        const after = random.number() * wholeMs * 1.1;
        await sleep(after);
        kill(lab);
        await recovers(lab, await ended).catch((error: unknown) => {
          throw new Error(`death ${i + 1}, after ${Math.round(after)} of ${Math.round(wholeMs)} ms`, {
            cause: error,
          });
        });
      }
    });
  } catch (error) {
    await node.stop().catch(() => {});
    throw error;
  }
  await node.stop();
});
