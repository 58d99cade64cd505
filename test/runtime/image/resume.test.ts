/** A registry of another project behind a bad network: a pull goes on where it broke off. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CuttingRelay } from "../../fixtures/cutting-relay.ts";
import { type BuiltImage, buildImage } from "../../fixtures/image.ts";
import { buildLayer } from "../../fixtures/image-layer.ts";
import { inNamespaces } from "../../support/in-namespaces.ts";
import { peersMissing, startDockerRegistry } from "../../support/peers.ts";
import { startImages } from "./node.ts";

/** Pushes an image as distribution-spec has it: every blob by POST and PUT, then the manifest. */
async function push(host: string, repository: string, image: BuiltImage, tag: string): Promise<void> {
  const base = `http://${host}/v2/${repository}`;
  const put = async (url: string, type: string, body: Uint8Array) => {
    const answer = await fetch(url, {
      method: "PUT",
      headers: { "content-type": type },
      body: Buffer.from(body),
    });
    assert.equal(answer.status, 201, await answer.text());
  };
  for (const [digest, blob] of image.blobs) {
    const begun = await fetch(`${base}/blobs/uploads/`, { method: "POST" });
    const place = new URL(begun.headers.get("location") ?? "", base);
    place.searchParams.set("digest", digest);
    await put(place.href, "application/octet-stream", blob);
  }
  await put(`${base}/manifests/${tag}`, image.mediaType, image.data);
}

if (inNamespaces("all"))
  test("a layer of 8 MB over connections that break off comes in pieces, none of them twice", {
    skip: peersMissing("docker-registry"),
  }, async (t) => {
    const node = await startImages(t, { retryMs: 10 });
    const registry = await startDockerRegistry(t);
    const content = randomBytes(8_000_000);
    const layer = await buildLayer([{ name: "file", content }]);
    const image = buildImage({ layers: [layer] });
    await push(registry.host, "lab/app", image, "1");
    const relay = await CuttingRelay.start(registry.host, 1_000_000, 5);
    t.after(() => relay.close());
    assert.deepEqual(await node.images.pull(`${relay.host}/lab/app:1`), { id: image.id });
    const [lower = ""] = node.images.rootSource(image.id).lower;
    assert.ok(readFileSync(join(lower, "file")).equals(content));
    assert.equal(relay.cuts, 5);
    // What was on its way in buffers when a connection broke off is lost; begun anew it would be 5 MB more at least.
    assert.ok(relay.carried < 12_000_000, `${relay.carried} bytes for a layer of ${layer.blob.length}`);
  });
