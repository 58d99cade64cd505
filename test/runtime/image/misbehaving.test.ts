/** What a person sees of a registry that misbehaves: the image all the same, or an error that says what happened, and nothing left. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { LichenError } from "../../../src/errors.ts";
import { type BuiltImage, buildImage, buildIndex } from "../../fixtures/image.ts";
import { buildLayer, type LayerEntry } from "../../fixtures/image-layer.ts";
import type { Fault } from "../../fixtures/registry.ts";
import { inNamespaces } from "../../support/in-namespaces.ts";
import { startImages, startRegistry } from "./node.ts";

/** Text that hardly compresses and does not repeat. */
function noise(length: number, seed: number): string {
  let text = "";
  for (let x = seed; text.length < length; ) {
    x = (x * 1103515245 + 12345) & 0x7fffffff;
    text += x.toString(36);
  }
  return text;
}

const quick = { retryMs: 1, stallMs: 1000 };

async function bigImage(): Promise<BuiltImage> {
  const entries = (seed: number): LayerEntry[] => [
    { name: `file-${seed}`, content: noise(300_000, seed), xattrs: { "user.seed": String(seed) } },
  ];
  return buildImage({ layers: [await buildLayer(entries(1)), await buildLayer(entries(2), "none")] });
}

interface Case {
  name: string;
  /** What the fault applies to; the layer at the top unless it says otherwise. */
  faults: Omit<Fault, "path">[];
  at?: "manifest" | "config" | "layer";
  /** Undefined: the image is there all the same. */
  error?: { code: string; reason: RegExp };
}

const lost = (reason: RegExp) => ({ code: "DATA_LOSS", reason });
const gone = (reason: RegExp) => ({ code: "UNAVAILABLE", reason });
const digests = /has the digest sha256:[0-9a-f]{64}, not sha256:[0-9a-f]{64}/;

const cases: Case[] = [
  { name: "slow", faults: [{ kind: "slow", pieces: 8, pauseMs: 200 }] },
  { name: "silent for ever before its answer", faults: [{ kind: "stall" }], error: gone(/[Tt]imeout/) },
  {
    name: "silent for ever in the middle",
    faults: [{ kind: "stall", at: 1000 }],
    error: gone(/after \d+ of \d+ bytes.*[Tt]imeout/),
  },
  { name: "silent once", faults: [{ kind: "stall", at: 1000, times: 1 }] },
  { name: "cut off once", faults: [{ kind: "disconnect", at: 100_000, times: 1 }] },
  { name: "cut off again and again, with something each time", faults: [{ kind: "disconnect", at: 90_000 }] },
  {
    name: "cut off at once, always",
    faults: [{ kind: "disconnect", at: 0 }],
    error: gone(/ended early, again and again, last after 0 of/),
  },
  {
    name: "cut off without knowing ranges",
    faults: [{ kind: "disconnect", at: 100_000, times: 1 }, { kind: "no-range" }],
  },
  {
    name: "of another length than it says",
    faults: [{ kind: "length", length: 5 }],
    error: lost(/announces 5 bytes, the manifest promises \d+/),
  },
  {
    name: "shorter than the manifest says",
    faults: [{ kind: "truncate" }],
    error: lost(/announces \d+ bytes, the manifest promises \d+/),
  },
  { name: "chunked without a length", faults: [{ kind: "chunked" }] },
  {
    name: "asking for credentials in a loop",
    faults: [{ kind: "status", status: 401, headers: { "www-authenticate": "Basic realm=x" } }],
    error: { code: "UNAUTHENTICATED", reason: /answered 401/ },
  },
  {
    name: "busy for a second",
    faults: [{ kind: "status", status: 429, headers: { "retry-after": "1" }, times: 1 }],
  },
  {
    name: "busy for an hour",
    faults: [{ kind: "status", status: 429, headers: { "retry-after": "3600" } }],
    error: { code: "RESOURCE_EXHAUSTED", reason: /answered 429/ },
  },
  { name: "broken once", faults: [{ kind: "status", status: 500, times: 1 }] },
  { name: "broken", faults: [{ kind: "status", status: 500 }], error: gone(/answered 500/) },
  {
    name: "redirecting in a circle",
    faults: [{ kind: "redirect", location: "?" }],
    error: gone(/more than 5 redirects/),
  },
  {
    name: "redirecting to no address",
    faults: [{ kind: "redirect", location: "http://[" }],
    error: gone(/no address/),
  },
  {
    name: "redirecting to a file",
    faults: [{ kind: "redirect", location: "file:///etc/passwd" }],
    error: gone(/leads from http to file/),
  },
  { name: "damaging a layer", faults: [{ kind: "corrupt" }], error: lost(digests) },
  { name: "damaging the manifest", at: "manifest", faults: [{ kind: "corrupt" }], error: lost(digests) },
  { name: "damaging the configuration", at: "config", faults: [{ kind: "corrupt" }], error: lost(digests) },
  {
    name: "breaking off the manifest once",
    at: "manifest",
    faults: [{ kind: "disconnect", at: 10, times: 1 }],
  },
  {
    name: "breaking off the manifest always",
    at: "manifest",
    faults: [{ kind: "disconnect", at: 10 }],
    error: gone(/ended early/),
  },
  {
    name: "breaking off the configuration once",
    at: "config",
    faults: [{ kind: "disconnect", at: 10, times: 1 }],
  },
];

if (inNamespaces("all")) {
  for (const { name, faults, at = "layer", error } of cases)
    test(`a registry that is ${name}`, async (t) => {
      const node = await startImages(t, quick);
      const registry = await startRegistry(t);
      const image = await bigImage();
      registry.push("lab/app", image, "1");
      const layer = [...image.blobs.keys()][1] ?? "";
      const path = { manifest: "/manifests/", config: image.id, layer }[at];
      registry.faults.push(...faults.map((fault) => ({ path, ...fault })));
      const pulling = node.images.pull(`${registry.host}/lab/app:1`);
      if (error === undefined) {
        assert.deepEqual(await pulling, { id: image.id });
        const [top = ""] = node.images.rootSource(image.id).lower;
        assert.equal(readFileSync(join(top, "file-2"), "utf8"), noise(300_000, 2));
      } else {
        await assert.rejects(pulling, { operation: "pull image", ...error });
        assert.deepEqual(node.layers(), []);
        assert.deepEqual(node.images.list(), []);
      }
    });

  test("a redirect to another host takes neither credentials nor the headers of hosts.toml along", async (t) => {
    const auth = { scheme: "basic", username: "u", password: "p" } as const;
    const registry = await startRegistry(t, { auth });
    const storage = await startRegistry(t);
    const image = await bigImage();
    for (const one of [registry, storage]) one.push("lab/app", image, "1");
    for (const digest of image.blobs.keys())
      registry.faults.push({
        path: digest,
        kind: "redirect",
        location: `${storage.url}/v2/lab/app/blobs/${digest}`,
      });
    const node = await startImages(t, quick);
    const name = `${registry.host}/lab/app:1`;
    await node.images.pull(name, { auth: { username: "u", password: "p" } });
    assert.ok(storage.requests.length >= 3);
    for (const { headers } of storage.requests)
      assert.deepEqual(
        Object.keys(headers).filter(
          (one) => !/^(host|connection|accept|accept-encoding|user-agent)$/.test(one),
        ),
        [],
      );
  });

  test("a flipped bit that makes an entry hostile is told as damage, not as the image's fault", async (t) => {
    const node = await startImages(t, quick);
    const registry = await startRegistry(t);
    const layer = await buildLayer(
      [{ name: "a/" }, { name: "x", content: "x", pax: { path: "a/.//b" } }],
      "none",
    );
    registry.push("lab/app", buildImage({ layers: [layer] }), "1");
    // The "/" of "./" becomes a ".": a name with ".." in it.
    const at = (Buffer.from(layer.blob).indexOf("path=a/.//b") + "path=a/.".length) * 8;
    registry.faults.push({ path: layer.digest, kind: "flip", at });
    await assert.rejects(node.images.pull(`${registry.host}/lab/app:1`), lost(digests));
    assert.deepEqual(node.layers(), []);
    registry.faults.splice(0);
    await node.images.pull(`${registry.host}/lab/app:1`);
  });

  test("no flipped bit goes unseen, wherever it is, and nothing of it stays", async (t) => {
    const node = await startImages(t, quick);
    const registry = await startRegistry(t);
    const image = buildImage({
      layers: [
        await buildLayer([{ name: "a", content: noise(5000, 3), xattrs: { "user.x": "y" }, mtime: "5.5" }]),
        await buildLayer([{ name: "b/" }, { name: "b/c", content: noise(3000, 4) }], "zstd"),
        await buildLayer([{ name: "long".repeat(50), content: "x", xattrs: { "user.x": "y" } }], "none"),
      ],
    });
    const index = buildIndex([image]);
    registry.push("lab/app", index, "1");
    const before = readdirSync(node.dataDir);
    const places = new Map([
      ["/manifests/1", index.data.length],
      [image.digest, image.data.length],
      ...[...image.blobs].map(([digest, blob]): [string, number] => [digest, blob.length]),
    ]);
    const where = fc
      .constantFrom(...places.keys())
      .chain((path) => fc.record({ path: fc.constant(path), at: fc.nat((places.get(path) ?? 1) * 8 - 1) }));
    await fc.assert(
      fc.asyncProperty(where, async ({ path, at }) => {
        registry.faults.splice(0, 1, { path, kind: "flip", at });
        await assert.rejects(node.images.pull(`${registry.host}/lab/app:1`), (error) => {
          assert.ok(error instanceof LichenError);
          assert.equal(error.code, "DATA_LOSS", error.message);
          assert.match(error.reason, digests);
          return true;
        });
        assert.deepEqual(node.layers(), []);
      }),
      { numRuns: process.env.LICHEN_LONG_TESTS ? 20_000 : 150 },
    );
    assert.deepEqual(readdirSync(node.dataDir), before);
    registry.faults.splice(0);
    assert.deepEqual(await node.images.pull(`${registry.host}/lab/app:1`), { id: image.id });
  });
}
