import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "../../../src/image/digest.ts";
import type { LayerStore } from "../../../src/image/layer-store.ts";
import { mediaType } from "../../../src/image/media-types.ts";
import { localPlatform } from "../../../src/image/platform.ts";
import { describeImage, type PullTarget, pullImage } from "../../../src/image/pull.ts";
import { parseReference } from "../../../src/image/reference.ts";
import type { ImageSource } from "../../../src/image/source.ts";
import type { StoredImage } from "../../../src/store/images.ts";

const reference = parseReference("registry.local/app:1");
const here = localPlatform();

/** A registry in memory; `tag` is what the reference names. */
class Documents {
  readonly #contents = new Map<string, { data: Uint8Array; type: string }>();
  #tagged = "";

  add(document: object, type: string): { mediaType: string; digest: string; size: number } {
    const data = Buffer.from(JSON.stringify(document));
    const digest = sha256(data);
    this.#contents.set(digest, { data, type });
    this.#tagged = digest;
    return { mediaType: type, digest, size: data.length };
  }

  image({
    layers = 0,
    diffIds = layers,
    config = {},
  }: {
    layers?: number;
    diffIds?: number;
    config?: object;
  } = {}) {
    const described = this.add(
      {
        ...here,
        config,
        rootfs: {
          type: "layers",
          diff_ids: Array.from({ length: diffIds }, (_, at) => sha256(Buffer.from([at]))),
        },
      },
      mediaType.ociConfig,
    );
    const layer = (at: number) => ({
      mediaType: mediaType.ociLayer,
      digest: sha256(Buffer.from([9, at])),
      size: 1,
    });
    return this.add(
      {
        schemaVersion: 2,
        mediaType: mediaType.ociManifest,
        config: described,
        layers: Array.from({ length: layers }, (_, at) => layer(at)),
      },
      mediaType.ociManifest,
    );
  }

  index(...manifests: object[]) {
    return this.add({ schemaVersion: 2, mediaType: mediaType.ociIndex, manifests }, mediaType.ociIndex);
  }

  get source(): ImageSource {
    const find = (digest: string) => {
      const found = this.#contents.get(digest);
      assert.ok(found, `nobody has ${digest}`);
      return { ...found, digest };
    };
    return {
      manifest: async (named) => {
        const { data, type, digest } = find(named.digest ?? this.#tagged);
        return { data, contentType: type, digest };
      },
      blob: async ({ digest }) => find(digest).data,
      layer: () => assert.fail("no layer is asked for"),
    } as ImageSource;
  }
}

const describe = ({ source }: Documents) => describeImage(reference, source, undefined);

test("indexes are followed to this machine's image, and both digests are told", async () => {
  const registry = new Documents();
  const manifest = registry.image();
  const inner = registry.index({ ...manifest, platform: here });
  const other = {
    ...registry.image({ config: { Cmd: ["other"] } }),
    platform: { os: "linux", architecture: "s390x" },
  };
  const outer = registry.index(other, { ...inner, platform: here });
  const found = await describe(registry);
  assert.deepEqual([found.digest, found.manifestDigest], [outer.digest, manifest.digest]);
  assert.equal(found.id, sha256(Buffer.from(found.config)));
});

test("an index that leads to itself, or to too many others, is refused", async () => {
  const registry = new Documents();
  let next: object = { ...registry.image(), platform: here };
  for (let depth = 0; depth < 4; depth++) next = { ...registry.index(next), platform: here };
  await assert.rejects(describe(registry), { code: "DATA_LOSS", reason: /more than 4 deep/ });
});

test("an index without this machine's platform says which it has", async () => {
  const registry = new Documents();
  registry.index({ ...registry.image(), platform: { os: "linux", architecture: "s390x" } });
  await assert.rejects(describe(registry), { code: "NOT_FOUND", reason: /only for linux\/s390x/ });
});

test("an entry without a platform is believed only as far as its configuration goes", async () => {
  const good = new Documents();
  good.index(good.image());
  assert.equal((await describe(good)).layers.length, 0);
  const wrong = new Documents();
  const config = wrong.add(
    { os: "plan9", architecture: "mips", rootfs: { type: "layers", diff_ids: [] } },
    mediaType.ociConfig,
  );
  const manifest = wrong.add({ schemaVersion: 2, config, layers: [] }, mediaType.ociManifest);
  wrong.index(manifest);
  await assert.rejects(describe(wrong), { code: "NOT_FOUND", reason: /only for plan9\/mips/ });
});

test("a configuration of other layers than the manifest's is refused", async () => {
  const registry = new Documents();
  registry.image({ layers: 2, diffIds: 1 });
  await assert.rejects(describe(registry), {
    code: "DATA_LOSS",
    reason: "it describes 1 layers, the manifest 2",
  });
});

test("each layer knows those below it, the topmost first", async () => {
  const registry = new Documents();
  registry.image({ layers: 3 });
  const [base, middle, top] = (await describe(registry)).layers;
  assert.deepEqual(base?.below, []);
  assert.deepEqual(top?.below, [middle?.chainId, base?.chainId]);
  assert.equal(base?.chainId, base?.content.diffId);
});

/** Where a pull puts an image without layers, and what it did in which order. */
function target(fail?: string) {
  const done: string[] = [];
  const saved: StoredImage[] = [];
  const step = (name: string) => {
    done.push(name);
    if (name === fail) throw new Error(`${name} failed`);
  };
  const layers = { hold: () => step("hold"), release: async () => step("release"), has: () => false };
  const target: PullTarget = {
    layers: layers as unknown as LayerStore,
    sync: async () => step("sync"),
    save: (image) => {
      step("save");
      saved.push(image);
    },
  };
  return { done, saved, target };
}

test("an image is stored when it is on the disk, with tag and digest as names and its size in bytes", async () => {
  const registry = new Documents();
  const manifest = registry.image({ config: { Labels: { author: "Zoë Ångström 🪨" } } });
  const { done, saved, target: into } = target();
  await pullImage(reference, registry.source, into, {}, async () => {});
  assert.deepEqual(done, ["hold", "sync", "save", "release"]);
  const [image] = saved;
  assert.deepEqual(image?.names, ["registry.local/app:1", `registry.local/app@${manifest.digest}`]);
  assert.equal(image?.configSize, Buffer.from(image?.config ?? "").length);
  assert.equal(image?.id, sha256(Buffer.from(image?.config ?? "")));
});

test("what was asked for by its digest has that name alone", async () => {
  const registry = new Documents();
  const { digest } = registry.image();
  const { saved, target: into } = target();
  await pullImage({ ...reference, digest }, registry.source, into, {}, async () => {});
  assert.deepEqual(saved[0]?.names, [`registry.local/app@${digest}`]);
});

test("what fails on the way is not stored, and holds no layer", async () => {
  const registry = new Documents();
  registry.image();
  const failing = target("sync");
  await assert.rejects(
    pullImage(reference, registry.source, failing.target, {}, async () => {}),
    /sync failed/,
  );
  assert.deepEqual(failing.done, ["hold", "sync", "release"]);
  const refused = target();
  const refuse = () => Promise.reject(new Error("not admitted"));
  await assert.rejects(pullImage(reference, registry.source, refused.target, {}, refuse), /not admitted/);
  assert.deepEqual(refused.done, []);
});
