import assert from "node:assert/strict";
import { test } from "node:test";
import type { ImageSpec } from "#cri";
import { MountPropagation } from "#cri";
import { mountsWithDigests } from "../../../../src/pod/container/volume-images.ts";
import { checkMounts, requestedMounts } from "../../../../src/pod/spec/cri-mounts.ts";
import { Undo } from "../../../../src/pod/undo.ts";
import { mount } from "../records.ts";

const silent = () => {};
const undo = new Undo({ debug: silent, info: silent, warn: silent, error: silent });
const spec = (image: string) => ({
  image,
  annotations: {},
  userSpecifiedImage: "",
  runtimeHandler: "",
  imageRef: "",
});
const volume = (more: object = {}) =>
  mount({ containerPath: "/v/", hostPath: "", image: spec("app:1") as ImageSpec, readonly: true, ...more });

test("an image becomes a read-only mount of its layers, topmost first", async () => {
  const layers = new Map([["app:1", ["/layers/top", "/layers/bottom"]]]);
  for (const readonly of [true, false]) {
    const made = await requestedMounts([volume({ readonly })], undo, undefined, layers);
    const options = ["ro", "nosuid", "nodev", "noexec", "lowerdir+=/layers/top", "lowerdir+=/layers/bottom"];
    assert.deepEqual(made, {
      mounts: [{ destination: "/v", type: "overlay", source: "app:1", options }],
      rootfsPropagation: undefined,
    });
  }
  const { mounts } = await requestedMounts([volume({ imageSubPath: "a/b" })], undo, undefined, layers);
  assert.equal(mounts[0]?.options.at(-1), "lichen.subpath=a/b");
});

test("an image without layers cannot be mounted", async () => {
  await assert.rejects(requestedMounts([volume()], undo, undefined, new Map([["app:1", []]])), {
    code: "FAILED_PRECONDITION",
    operation: "mount image volume",
  });
});

test("what contradicts an image is refused before anything is made", () => {
  checkMounts([volume(), volume({ containerPath: "/w", imageSubPath: "a..b/.c" })]);
  const wrong: [object, RegExp][] = [
    [{ hostPath: "/data" }, /host_path/],
    [{ imageSubPath: "a/../b" }, /image_sub_path/],
    [{ propagation: MountPropagation.PROPAGATION_BIDIRECTIONAL }, /propagation/],
    [{ image: null, imageSubPath: "a" }, /without an image/],
    [{ containerPath: "/" }, /root/],
  ];
  for (const [more, message] of wrong)
    assert.throws(() => checkMounts([volume(more)]), { code: "INVALID_ARGUMENT", message });
});

test("mounts are told with the digests of their images", () => {
  const image = { id: "sha256:0", ref: "r@sha256:0", lower: [], config: {} };
  const volumes = new Map([["app:1", { id: "sha256:1", ref: "app@sha256:2", lower: [] }]]);
  const plain = mount({ containerPath: "/p", hostPath: "/data" });
  const [told, other] = mountsWithDigests([volume(), plain], { ...image, volumes });
  assert.equal(told?.image?.imageRef, "app@sha256:2");
  assert.deepEqual(other, plain);
});
