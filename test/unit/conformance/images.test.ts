import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { busyboxImages } from "../../conformance/images/busybox.ts";
import { httpdImages } from "../../conformance/images/httpd.ts";
import { referenceImages } from "../../conformance/images/references.ts";
import { userImages } from "../../conformance/images/users.ts";
import { buildLayer } from "../../fixtures/image-layer.ts";

const base = await buildLayer([{ name: "bin/busybox" }]);
const families = [busyboxImages, httpdImages, userImages, referenceImages];
const images = (await Promise.all(families.map((family) => family(base)))).flat();

describe("the images that need nothing but busybox", () => {
  it("have complete references, none of them twice", () => {
    const names = images.flatMap((image) => image.names);
    for (const name of names) assert.match(name, /^[a-z0-9.]+\/[a-z0-9/-]+:[\w.-]+$/);
    assert.equal(new Set(names).size, names.length);
  });

  it("all begin with the same layer, so that it is fetched once", () => {
    for (const image of images) assert.equal(image.layers[0], base);
  });

  it("differ where a spec counts images", () => {
    const listed = images.filter(({ names }) => /test-image-[123]:/.test(names[0] ?? ""));
    const contents = listed.map(({ layers }) => layers.map((layer) => layer.digest).join());
    assert.equal(new Set(contents).size, 3);
  });

  it("give the three tags of test-image-tags to one image", () => {
    const [tagged, ...others] = images.filter(({ names }) => names[0]?.includes("test-image-tags:"));
    assert.deepEqual(
      tagged?.names.map((name) => name.split(":")[1]),
      ["1", "2", "3"],
    );
    assert.equal(others.length, 0);
  });

  it("know every form of a user", () => {
    const users = images.flatMap(({ settings }) => settings.User ?? []);
    assert.deepEqual(users, ["1002", "www-data", "1003:1004", "www-data:1004", "1000"]);
  });
});
