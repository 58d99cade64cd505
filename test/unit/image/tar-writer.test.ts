import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Header } from "tar-stream";
import { type TarEntry, tarEnd, tarHeader, tarPadding } from "../../../src/image/archive/tar-writer.ts";
import { readEntry } from "../../../src/image/layer/entry.ts";
import { byteExtract } from "../../../src/image/layer/pax.ts";

/** What the reader of layers makes of an archive. */
async function read(
  archive: Uint8Array,
): Promise<{ entry: ReturnType<typeof readEntry>; content: Buffer }[]> {
  const reader = byteExtract();
  const found: { entry: ReturnType<typeof readEntry>; content: Buffer }[] = [];
  reader.on("entry", (header: Header, content, next) => {
    const chunks: Uint8Array[] = [];
    content.on("data", (chunk) => chunks.push(chunk as Uint8Array));
    content.on("end", () => {
      found.push({
        entry: readEntry(header, { devices: 0, xattrs: 0 }),
        content: Buffer.concat(chunks),
      });
      next();
    });
    content.resume();
  });
  const finished = new Promise<void>((resolve, reject) => {
    reader.on("finish", () => resolve());
    reader.on("error", reject);
  });
  reader.end(archive);
  await finished;
  return found;
}

const one = (entry: TarEntry, content: Uint8Array = new Uint8Array()) =>
  Buffer.concat([tarHeader(entry), content, tarPadding(content.length), tarEnd]);

const name = fc.stringMatching(/^[a-zA-Z\x80-\xff][ -.0-~\x80-\xff]{0,254}$/);
const path = fc.array(name, { minLength: 1, maxLength: 6 }).map((parts) => parts.join("/"));
const time = fc.bigInt({ min: -(2n ** 33n) * 10n ** 9n, max: 2n ** 35n * 10n ** 9n });

test("whatever is written is read again as it was", async () => {
  const property = fc.asyncProperty(
    path,
    fc.integer({ min: 0, max: 0o7777 }),
    fc.integer({ min: 0, max: 2 ** 32 - 2 }),
    fc.integer({ min: 0, max: 2 ** 32 - 2 }),
    time,
    fc.uint8Array({ maxLength: 2000 }),
    fc.uint8Array({ maxLength: 50 }),
    async (where, mode, uid, gid, mtime, content, value) => {
      const xattrs = ["user.x", Buffer.from(value).toString("latin1")];
      const written: TarEntry = {
        path: where,
        type: "file",
        mode,
        uid,
        gid,
        mtime,
        size: content.length,
        xattrs,
      };
      const [found] = await read(one(written, content));
      assert.ok(found !== undefined);
      assert.equal(found.entry.kind, "file");
      assert.deepEqual(found.content, Buffer.from(content));
      assert.ok("attributes" in found.entry);
      const { attributes, path: at } = found.entry;
      assert.equal(at, where);
      const nanoseconds = BigInt(attributes.seconds) * 1_000_000_000n + BigInt(attributes.nanoseconds);
      assert.equal(nanoseconds, mtime);
      assert.deepEqual(attributes, {
        mode,
        uid,
        gid,
        seconds: attributes.seconds,
        nanoseconds: attributes.nanoseconds,
        xattrs,
      });
    },
  );
  await fc.assert(property, { numRuns: 200 });
});

test("links of every length keep their targets", async () => {
  const common = { mode: 0o777, uid: 0, gid: 0, mtime: 0n };
  for (const length of [1, 99, 100, 101, 4000]) {
    const target = `${"t/".repeat(length).slice(0, length - 1)}x`;
    for (const type of ["symlink", "link"] as const) {
      const [found] = await read(one({ ...common, path: "link", type, target }));
      assert.ok(found !== undefined && "target" in found.entry);
      assert.equal(found.entry.target, target);
    }
  }
});

test("directories, fifos and the root are told apart", async () => {
  const common = { mode: 0o755, uid: 1, gid: 2, mtime: 5_000_000_000n };
  const archive = Buffer.concat([
    tarHeader({ ...common, path: "./", type: "directory" }),
    tarHeader({ ...common, path: "d/", type: "directory" }),
    tarHeader({ ...common, path: "d/fifo", type: "fifo" }),
    tarEnd,
  ]);
  assert.deepEqual(
    (await read(archive)).map(({ entry }) => [entry.kind, (entry as { path: string }).path]),
    [
      ["directory", ""],
      ["directory", "d"],
      ["fifo", "d/fifo"],
    ],
  );
});

test("the plain header of a short name is the one that every tar writes", () => {
  const block = tarHeader({ path: "f", type: "file", mode: 0o644, uid: 0, gid: 0, mtime: 0n, size: 3 });
  assert.equal(block.length, 512);
  assert.equal(block.toString("latin1", 257, 265), "ustar\x0000");
  assert.equal(block.toString("latin1", 124, 136), "00000000003\0");
});
