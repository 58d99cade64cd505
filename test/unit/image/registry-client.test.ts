import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parseReference } from "../../../src/image/reference.ts";
import { buildImage } from "../../fixtures/image.ts";
import { buildLayer } from "../../fixtures/image-layer.ts";
import { bytesOf, clientOf, endpointOf, startRegistry } from "../../support/registry-client.ts";

const layer = await buildLayer([{ name: "file", content: "hello" }], "none");
const image = buildImage({ layers: [layer] });
const descriptor = { digest: layer.digest, size: layer.blob.length };
const configuration = { digest: image.id, size: image.blobs.get(image.id)?.length ?? 0 };
const byTag = parseReference("registry.example/lab/app:1");
const byDigest = parseReference(`registry.example/lab/app@${image.digest}`);

test("manifests by tag and by digest, blobs whole and as a stream", async () => {
  const registry = await startRegistry({}, image);
  const one = clientOf([endpointOf(registry)]);
  for (const reference of [byTag, byDigest]) {
    const manifest = await one.manifest(reference);
    assert.equal(manifest.digest, image.digest);
    assert.equal(manifest.contentType, image.mediaType);
    assert.deepEqual(Buffer.from(manifest.data), Buffer.from(image.data));
  }
  const size = layer.blob.length;
  assert.deepEqual(Buffer.from(await one.blob({ digest: layer.digest, size })), Buffer.from(layer.blob));
  assert.deepEqual(await one.stream(descriptor, bytesOf), Buffer.from(layer.blob));
});

test("content that is not what its digest says is refused", async () => {
  const registry = await startRegistry({}, image);
  const one = clientOf([endpointOf(registry)]);
  registry.faults.push(
    { path: "/manifests/", kind: "corrupt", times: 2 },
    { path: "/blobs/", kind: "corrupt" },
  );
  await assert.rejects(one.manifest(byTag), { code: "DATA_LOSS", reason: /has the digest sha256:\w+, not/ });
  await assert.rejects(one.manifest(byDigest), { code: "DATA_LOSS" });
  await assert.rejects(one.blob({ digest: layer.digest, size: layer.blob.length }), { code: "DATA_LOSS" });
  await assert.rejects(one.blob({ digest: layer.digest, size: 10 }), {
    code: "DATA_LOSS",
    reason: /announces \d+ bytes, the manifest promises 10$/,
  });
});

test("what is not there is NOT_FOUND, with the registry's own words", async () => {
  const one = clientOf([endpointOf(await startRegistry())]);
  await assert.rejects(one.manifest(byTag), {
    code: "NOT_FOUND",
    reason: /404: MANIFEST_UNKNOWN lab\/app:1/,
  });
});

for (const scheme of ["basic", "bearer"] as const) {
  const auth = { scheme, username: "user", password: "pass:word" };

  test(`${scheme}: right credentials are shown once and then at once`, async () => {
    const registry = await startRegistry({ auth }, image);
    const one = clientOf([endpointOf(registry)], { auth: { username: "user", password: "pass:word" } });
    await one.manifest(byTag);
    const challenged = registry.requests.filter(({ authorization }) => authorization === undefined).length;
    await one.blob(configuration);
    assert.equal(challenged, 1);
    // Another client made from the state needs no challenge either.
    const other = clientOf(one.state.endpoints, one.state);
    await other.blob(configuration);
    assert.equal(registry.requests.filter(({ authorization }) => authorization === undefined).length, 1);
  });

  test(`${scheme}: wrong or no credentials are UNAUTHENTICATED, without trying for ever`, async () => {
    const registry = await startRegistry({ auth }, image);
    const reject = { code: "UNAUTHENTICATED", hint: /private/ };
    await assert.rejects(clientOf([endpointOf(registry)]).manifest(byTag), reject);
    const wrong = clientOf([endpointOf(registry)], {
      auth: { auth: Buffer.from("user:wrong").toString("base64") },
    });
    await assert.rejects(wrong.manifest(byTag), reject);
    assert.ok(registry.requests.length <= 6, String(registry.requests.length));
  });
}

test("a redirect is followed, and carries no credentials to another host", async () => {
  const registry = await startRegistry({ auth: { scheme: "basic", username: "u", password: "p" } }, image);
  const storage = await startRegistry({}, image);
  const location = `http://${storage.host}/v2/lab/app/blobs/${layer.digest}`;
  registry.faults.push({ path: layer.digest, kind: "redirect", location });
  const one = clientOf([endpointOf(registry)], { auth: { username: "u", password: "p" } });
  assert.equal((await one.blob({ digest: layer.digest, size: layer.blob.length })).length, layer.blob.length);
  assert.equal(storage.requests.length, 1);
  assert.equal(storage.requests[0]?.authorization, undefined);
});

test("a circle of redirects ends", async () => {
  const registry = await startRegistry({}, image);
  registry.faults.push({ path: "/blobs/", kind: "redirect", location: `/v2/lab/app/blobs/${layer.digest}` });
  await assert.rejects(clientOf([endpointOf(registry)]).blob(layer as never), {
    reason: /more than 5 redirects/,
  });
});

test("a busy server is asked again, as late as it wishes", async () => {
  const registry = await startRegistry({}, image);
  registry.faults.push(
    { path: "/manifests/", kind: "status", status: 503, times: 1 },
    { path: "/manifests/", kind: "status", status: 429, headers: { "retry-after": "1" }, times: 1 },
  );
  const began = performance.now();
  await clientOf([endpointOf(registry)]).manifest(byTag);
  assert.equal(registry.count("/manifests/"), 3);
  assert.ok(performance.now() - began > 1000);
});

test("a server that stays busy is UNAVAILABLE in the end", async () => {
  const registry = await startRegistry({}, image);
  registry.faults.push({ path: "/manifests/", kind: "status", status: 500 });
  await assert.rejects(clientOf([endpointOf(registry)]).manifest(byTag), {
    code: "UNAVAILABLE",
    reason: /500/,
  });
  assert.equal(registry.count("/manifests/"), 4);
});

test("the next endpoint is asked when one lacks the content, is gone, or lies; mirrors are told the registry", async () => {
  const empty = await startRegistry();
  const lying = await startRegistry({}, image);
  lying.faults.push({ path: "/", kind: "corrupt" });
  const good = await startRegistry({}, image);
  const goneUrl = "http://127.0.0.1:1/v2";
  const one = clientOf([
    endpointOf(empty, { origin: false }),
    endpointOf(empty, { url: goneUrl }),
    endpointOf(lying, { origin: false }),
    endpointOf(good),
  ]);
  assert.equal((await one.manifest(byTag)).digest, image.digest);
  assert.equal(empty.requests[0]?.query.get("ns"), "registry.example");
  assert.equal(good.requests[0]?.query.get("ns"), null);
  await assert.rejects(clientOf([endpointOf(empty), endpointOf(empty, { url: goneUrl })]).manifest(byTag), {
    code: "NOT_FOUND",
    reason: /ECONNREFUSED/,
  });
});

test("a mirror is used for what it may be used for", async () => {
  const mirror = await startRegistry({}, image);
  const registry = await startRegistry({}, image);
  const pullOnly = endpointOf(mirror, { origin: false, capabilities: { resolve: false, pull: true } });
  const one = clientOf([pullOnly, endpointOf(registry)]);
  await one.manifest(byTag);
  assert.equal(mirror.requests.length, 0);
  await one.manifest(byDigest);
  assert.equal(mirror.requests.length, 1);
  await assert.rejects(clientOf([pullOnly]).manifest(byTag), {
    code: "FAILED_PRECONDITION",
    reason: /to resolve/,
  });
});

test("credentials go to the registry, not to its mirror; a mirror's own headers go to the mirror", async () => {
  const mirror = await startRegistry();
  const registry = await startRegistry({ auth: { scheme: "basic", username: "u", password: "p" } }, image);
  const one = clientOf(
    [endpointOf(mirror, { origin: false, headers: { authorization: "Mirror x" } }), endpointOf(registry)],
    { auth: { username: "u", password: "p" } },
  );
  await one.manifest(byTag);
  assert.deepEqual(new Set(mirror.requests.map(({ authorization }) => authorization)), new Set(["Mirror x"]));
});

test("an abort ends a request at once", async () => {
  const registry = await startRegistry({}, image);
  registry.faults.push({ path: "/manifests/", kind: "stall" });
  const signal = AbortSignal.timeout(50);
  await assert.rejects(
    clientOf([endpointOf(registry)]).manifest(byTag, signal),
    (error: Error) => signal.aborted && !!error,
  );
});

test("a closed client leaves no connection", async () => {
  const registry = await startRegistry({}, image);
  const one = clientOf([endpointOf(registry)]);
  await one.manifest(byTag);
  await one.stream(descriptor, async () => "not read");
  assert.ok((await registry.connections()) > 0);
  await one.close();
  for (let i = 0; i < 100 && (await registry.connections()) > 0; i++) await sleep(10);
  assert.equal(await registry.connections(), 0);
});
