import assert from "node:assert/strict";
import { test } from "node:test";
import { verifyDigest } from "../../../src/image/digest.ts";
import { parseReference } from "../../../src/image/reference.ts";
import { buildImage } from "../../fixtures/image.ts";
import { compressLayer } from "../../fixtures/image-layer.ts";
import type { Fault, Registry } from "../../fixtures/registry.ts";
import { bytesOf, clientOf, endpointOf, network, startRegistry } from "../../support/registry-client.ts";

/** Bytes that do not repeat themselves: a part in the wrong place shows. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0, x = 1; i < length; i++) {
    x = (x * 1103515245 + 12345) & 0x7fffffff;
    bytes[i] = x >> 16;
  }
  return bytes;
}

const size = 1_000_000;
const layer = compressLayer(noise(size), "none");
const { digest } = layer;
const image = buildImage({ layers: [layer] });
const descriptor = { digest, size };
const blobs = `/blobs/${digest}`;

const ranges = (registry: Registry) =>
  registry.requests.filter(({ line }) => line.includes(blobs)).map(({ range }) => range);

/** Reads the layer as a worker does: its bytes once, in order, and then its digest. */
async function fetchLayer(...registries: Registry[]): Promise<{ reads: number; bytes: Buffer }> {
  let reads = 0;
  const client = clientOf(
    registries.map((registry) => endpointOf(registry)),
    { network: { ...network, stallMs: 600 } },
  );
  const bytes = await client.stream(descriptor, async (body) => {
    reads++;
    const all = await bytesOf(body);
    verifyDigest(all, digest, "verify layer", digest);
    return all;
  });
  return { reads, bytes };
}

async function withFault(...faults: Omit<Fault, "path">[]): Promise<Registry> {
  const registry = await startRegistry({}, image);
  registry.faults.push(...faults.map((fault) => ({ path: blobs, ...fault })));
  return registry;
}

test("a connection that breaks off is gone on with where it ended, without reading anew", async () => {
  const registry = await withFault({ kind: "disconnect", at: 300_000, times: 1 });
  const { reads, bytes } = await fetchLayer(registry);
  assert.deepEqual(bytes, layer.blob);
  assert.equal(reads, 1);
  const [first, second, ...more] = ranges(registry);
  assert.deepEqual([first, more], [undefined, []]);
  const from = Number(/^bytes=(\d+)-$/.exec(second ?? "")?.[1]);
  assert.ok(from > 0 && from <= 300_000, second);
});

test("a connection that always breaks off after a while brings everything in the end", async () => {
  const registry = await withFault({ kind: "disconnect", at: 120_000 });
  const { reads, bytes } = await fetchLayer(registry);
  assert.deepEqual(bytes, layer.blob);
  assert.equal(reads, 1);
  assert.ok(ranges(registry).length >= 8);
});

test("one that breaks off at once, always, is UNAVAILABLE and tells how far it came", async () => {
  const registry = await withFault(
    { kind: "disconnect", at: 200_000, times: 1 },
    { kind: "disconnect", at: 0 },
  );
  await assert.rejects(fetchLayer(registry), {
    code: "UNAVAILABLE",
    reason: /ended early, again and again, last after [1-9]\d* of 1000000 bytes/,
    hint: /pull again/,
  });
  assert.ok(ranges(registry).length <= 8);
});

test("a server that falls silent in the middle is left, and gone on with", async () => {
  const registry = await withFault({ kind: "stall", at: 500_000, times: 1 });
  const { reads, bytes } = await fetchLayer(registry);
  assert.deepEqual(bytes, layer.blob);
  assert.equal(reads, 1);
  assert.equal(ranges(registry).length, 2);
});

test("a server that stays silent is UNAVAILABLE soon: before its answer and in the middle of it", async () => {
  for (const fault of [{ kind: "stall" }, { kind: "stall", at: 0 }] as const) {
    const registry = await withFault(fault);
    await assert.rejects(fetchLayer(registry), { code: "UNAVAILABLE", reason: /[Tt]imeout/ });
    assert.equal(ranges(registry).length, 2);
  }
});

test("a slow server is waited for, however long it takes in all", async () => {
  const registry = await withFault({ kind: "slow", pieces: 12, pauseMs: 60 });
  const began = performance.now();
  const { bytes } = await fetchLayer(registry);
  assert.deepEqual(bytes, layer.blob);
  assert.ok(performance.now() - began > 700);
  assert.equal(ranges(registry).length, 1);
});

test("a server that knows no ranges sends all again, and what is there is passed over", async () => {
  const registry = await withFault({ kind: "disconnect", at: 300_000, times: 1 }, { kind: "no-range" });
  const { reads, bytes } = await fetchLayer(registry);
  assert.deepEqual(bytes, layer.blob);
  assert.equal(reads, 1);
  assert.equal(ranges(registry).length, 2);
});

test("a part from the wrong place is not taken: everything is fetched anew", async () => {
  const registry = await withFault(
    { kind: "disconnect", at: 300_000, times: 1 },
    { kind: "wrong-range", times: 1 },
  );
  const { reads, bytes } = await fetchLayer(registry);
  assert.deepEqual(bytes, layer.blob);
  assert.equal(reads, 2);
  assert.deepEqual(ranges(registry)[2], undefined);
});

test("content that was another one meanwhile is found, and fetched anew", async () => {
  const registry = await withFault(
    { kind: "disconnect", at: 300_000, times: 1 },
    { kind: "corrupt", times: 1 },
  );
  const { reads, bytes } = await fetchLayer(registry);
  assert.deepEqual(bytes, layer.blob);
  assert.equal(reads, 2);
});

test("what a mirror began the registry does not go on with: it begins anew", async () => {
  const mirror = await withFault(
    { kind: "disconnect", at: 300_000, times: 1 },
    { kind: "status", status: 404 },
  );
  const registry = await startRegistry({}, image);
  const { reads, bytes } = await fetchLayer(mirror, registry);
  assert.deepEqual(bytes, layer.blob);
  assert.equal(reads, 2);
  assert.deepEqual(ranges(registry), [undefined]);
});

test("a server that is away for a moment is waited for", async () => {
  const registry = await withFault(
    { kind: "disconnect", at: 300_000, times: 1 },
    { kind: "status", status: 503, times: 4 },
  );
  const { reads, bytes } = await fetchLayer(registry);
  assert.deepEqual(bytes, layer.blob);
  assert.equal(reads, 1);
});

test("a token that has become too old in the middle is replaced", async () => {
  const auth = { scheme: "bearer", username: "u", password: "p", uses: 2 } as const;
  const registry = await startRegistry({ auth }, image);
  registry.faults.push({ path: blobs, kind: "disconnect", at: 120_000 });
  const client = clientOf([endpointOf(registry)], { auth: { username: "u", password: "p" } });
  await client.manifest(parseReference("registry.example/lab/app:1"));
  const bytes = await client.stream(descriptor, bytesOf);
  assert.deepEqual(bytes, layer.blob);
  assert.ok(registry.count("/token") > 2, "more than one token was needed");
});

test("chunked answers need no length, and are gone on with too", async () => {
  const registry = await withFault({ kind: "disconnect", at: 300_000, times: 1 }, { kind: "chunked" });
  const { reads, bytes } = await fetchLayer(registry);
  assert.deepEqual(bytes, layer.blob);
  assert.equal(reads, 1);
});

test("a server that says it has no more than it sent is asked for everything anew", async () => {
  const registry = await withFault(
    { kind: "disconnect", at: 300_000, times: 1 },
    { kind: "status", status: 416, times: 1 },
  );
  const { reads, bytes } = await fetchLayer(registry);
  assert.deepEqual(bytes, layer.blob);
  assert.equal(reads, 2);
});

test("an announced length that is not the manifest's is DATA_LOSS with both, before anything is read", async () => {
  for (const fault of [{ kind: "truncate" }, { kind: "length", length: size + 1 }] as const) {
    const registry = await withFault(fault);
    await assert.rejects(fetchLayer(registry), {
      code: "DATA_LOSS",
      reason: /announces (500000|1000001) bytes, the manifest promises 1000000/,
    });
    assert.equal(ranges(registry).length, 1);
  }
});

test("a failure of this machine's own is told at once, and no other registry is asked", async () => {
  const registries = [await startRegistry({}, image), await startRegistry({}, image)];
  const full = Object.assign(new Error("no space"), { code: "ENOSPC" });
  const { LichenError } = await import("../../../src/errors.ts");
  const failure = new LichenError({
    code: "RESOURCE_EXHAUSTED",
    operation: "write",
    object: "file",
    reason: "the disk is full",
    cause: full,
  });
  const client = clientOf(registries.map((registry) => endpointOf(registry)));
  const reading = client.stream(descriptor, async (body) => {
    for await (const _ of body) throw failure;
  });
  await assert.rejects(reading, failure);
  assert.equal(registries[1]?.requests.length, 0);
});
