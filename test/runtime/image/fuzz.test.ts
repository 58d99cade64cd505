import assert from "node:assert/strict";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { LichenError } from "../../../src/errors.ts";
import { buildArchive, type LayerEntry, mendChecksums } from "../../fixtures/image-layer.ts";
import { inNamespaces } from "../../support/in-namespaces.ts";
import { plainLayer, unpackInto } from "../../support/unpack.ts";
import { tmpfs } from "./node.ts";

/** Unpacks an archive whose digests are right, whatever is in it: only a LichenError may come out, and only into the directory. */
async function survives(scratch: string, archive: Uint8Array, descriptors: number): Promise<void> {
  const directory = join(scratch, "layer");
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  try {
    await unpackInto(directory, plainLayer(archive));
  } catch (error) {
    if (!(error instanceof LichenError)) throw error;
    assert.notEqual(error.code, "INTERNAL", error.message);
  }
  assert.deepEqual(readdirSync(scratch), ["layer"]);
  assert.equal(readdirSync("/proc/self/fd").length, descriptors);
}

const part = fc.constantFrom("a", "b", "..", ".", "", ".wh.a", ".wh..wh..opq", "n".repeat(256), "x\0y");
const name = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
const entry: fc.Arbitrary<LayerEntry> = fc.record({
  name: fc.constantFrom("x", "y/"),
  type: fc.constantFrom("file", "directory", "symlink", "link", "fifo", "character-device"),
  linkname: fc.constantFrom("a", "b", "..", "/", "/etc", "a/b"),
  content: fc.constantFrom("", "content"),
  pax: fc.record({ path: name }),
});

if (inNamespaces("all")) {
  test("entries of any names, kinds and order stay within the layer", async (t) => {
    const scratch = tmpfs(t);
    const descriptors = readdirSync("/proc/self/fd").length;
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 8 }), async (entries) => {
        await survives(scratch, await buildArchive(entries), descriptors);
      }),
      { numRuns: 300 },
    );
  });

  test("archives with damaged bytes are unpacked or refused, nothing else", async (t) => {
    const scratch = tmpfs(t);
    const archive = await buildArchive([
      { name: "dir/", xattrs: { "user.note": "x" } },
      { name: "dir/file", content: "content", mtime: "5.5" },
      { name: "link", type: "symlink", linkname: "dir" },
      { name: "hard", type: "link", linkname: "dir/file" },
    ]);
    const descriptors = readdirSync("/proc/self/fd").length;
    const damage = fc.array(fc.tuple(fc.nat(archive.length - 1), fc.nat(255)), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(damage, fc.nat(archive.length), fc.boolean(), async (changes, end, sum) => {
        const damaged = Buffer.from(archive.subarray(0, end));
        for (const [at, value] of changes) if (at < end) damaged[at] = value;
        if (sum) mendChecksums(damaged);
        await survives(scratch, damaged, descriptors);
      }),
      { numRuns: 500 },
    );
  });
}
