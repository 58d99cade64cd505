import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { imageFsInfo } from "../../../src/cri/image/image-fs-info.ts";
import { imageStatus } from "../../../src/cri/image/image-status.ts";
import { listImages } from "../../../src/cri/image/list-images.ts";
import { pullImage } from "../../../src/cri/image/pull-image.ts";
import { removeImage } from "../../../src/cri/image/remove-image.ts";
import type { PullOptions } from "../../../src/image/service.ts";
import { context, decoded, imageRecord } from "./rooms.ts";

const call = { signal: new AbortController().signal };
type Request<F extends (...args: never[]) => unknown> = Parameters<F>[0];

describe("PullImage", () => {
  const pulling = (seen: [string, PullOptions | undefined][]) =>
    context({
      images: {
        pull: async (reference, options) => {
          seen.push([reference, options]);
          return { id: "sha256:1" };
        },
      },
    });

  it("answers with the image's id", async () => {
    const request = decoded<Request<typeof pullImage>>("PullImage", { image: { image: "app:1" } });
    const seen: [string, PullOptions | undefined][] = [];
    assert.deepEqual(await pullImage(request, pulling(seen), call), { imageRef: "sha256:1" });
    assert.deepEqual(seen, [["app:1", { signal: call.signal }]]);
  });

  it("hands credentials on", async () => {
    const request = decoded<Request<typeof pullImage>>("PullImage", {
      image: { image: "app:1" },
      auth: { username: "u", password: "p" },
    });
    const seen: [string, PullOptions | undefined][] = [];
    await pullImage(request, pulling(seen), call);
    assert.equal(seen[0]?.[1]?.auth?.username, "u");
    assert.equal(seen[0]?.[1]?.auth?.password, "p");
  });

  it("refuses a request without an image", async () => {
    const request = decoded<Request<typeof pullImage>>("PullImage", {});
    await assert.rejects(async () => pullImage(request, context({}), call), { code: "INVALID_ARGUMENT" });
  });
});

describe("ListImages", () => {
  const rooms = context({
    images: { list: (filter) => [imageRecord({ id: filter === undefined ? "all" : `only ${filter}` })] },
  });

  it("lists all without a filter, and with crictl's empty one", async () => {
    for (const filter of [undefined, { image: { image: "" } }]) {
      const request = decoded<Request<typeof listImages>>("ListImages", { filter });
      assert.equal((await listImages(request, rooms, call)).images?.[0]?.id, "all");
    }
  });

  it("lists what the filter names", async () => {
    const request = decoded<Request<typeof listImages>>("ListImages", {
      filter: { image: { image: "app" } },
    });
    assert.equal((await listImages(request, rooms, call)).images?.[0]?.id, "only app");
  });
});

describe("ImageStatus", () => {
  const request = (fields: object) => decoded<Request<typeof imageStatus>>("ImageStatus", fields);

  it("answers without an image, and without an error, when there is none", async () => {
    const rooms = context({ images: { status: () => undefined } });
    assert.deepEqual(await imageStatus(request({ image: { image: "app:9" } }), rooms, call), {});
  });

  it("tells the image's configuration when verbose", async () => {
    const layer = { diffId: "sha256:d", chainId: "sha256:c", directory: "/layers/c", bytes: 5, inodes: 1 };
    const imageSpec = { os: "linux", config: { Cmd: ["sh"] }, rootfs: { diff_ids: ["sha256:d"] } };
    const details = { imageSpec, layers: [layer], usedBy: [] };
    const rooms = context({ images: { status: () => imageRecord(), details: () => details } });
    const plain = await imageStatus(request({ image: { image: "app:1" } }), rooms, call);
    assert.equal(plain.image?.id, "sha256:1");
    assert.deepEqual(plain.info, {});
    const verbose = await imageStatus(request({ image: { image: "app:1" }, verbose: true }), rooms, call);
    const info = JSON.parse(verbose.info?.info ?? "");
    assert.deepEqual(info, { chainID: "sha256:c", imageSpec, layers: [layer], usedBy: [] });
  });

  it("refuses an empty name", () => {
    assert.throws(() => imageStatus(request({}), context({}), call), { code: "INVALID_ARGUMENT" });
  });
});

describe("RemoveImage", () => {
  it("removes what is named, and refuses an empty name", async () => {
    const removed: string[] = [];
    const rooms = context({
      images: {
        remove: async (reference) => {
          removed.push(reference);
        },
      },
    });
    const request = (image: string) =>
      decoded<Request<typeof removeImage>>("RemoveImage", { image: { image } });
    assert.deepEqual(await removeImage(request("app:1"), rooms, call), {});
    await assert.rejects(async () => removeImage(request(""), rooms, call), { code: "INVALID_ARGUMENT" });
    assert.deepEqual(removed, ["app:1"]);
  });
});

describe("ImageFsInfo", () => {
  it("tells what layers and what containers take, on one file system", async () => {
    const rooms = context({
      images: { usage: () => ({ bytes: 10, inodes: 2, mountpoint: "/data/layers" }) },
      pods: { writableUsage: async () => ({ bytes: 7, inodes: 1 }) },
    });
    const answer = await imageFsInfo({}, rooms, call);
    const [images] = answer.imageFilesystems ?? [];
    assert.deepEqual(images?.fsId, { mountpoint: "/data/layers" });
    assert.deepEqual(images?.usedBytes, { value: 10 });
    assert.deepEqual(images?.inodesUsed, { value: 2 });
    assert.ok(Math.abs(Number(images?.timestamp) / 1e6 - Date.now()) < 60_000);
    const [containers] = answer.containerFilesystems ?? [];
    assert.deepEqual(containers?.fsId, images?.fsId);
    assert.deepEqual(containers?.usedBytes, { value: 7 });
    assert.deepEqual(containers?.inodesUsed, { value: 1 });
  });
});
