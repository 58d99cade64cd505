import assert from "node:assert/strict";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { addon } from "../../../src/native/addon.ts";
import { LayerWriter, removeTree, settleLayer, syncFilesystem } from "../../../src/native/layer.ts";
import { LayerBatch } from "../../../src/native/layer-batch.ts";

const scratch = mkdtempSync(join(tmpdir(), "lichen-layer-"));
after(() => rmSync(scratch, { recursive: true }));
let count = 0;

function directory(): string {
  const path = join(scratch, String(count++));
  mkdirSync(path);
  return path;
}

const raw = addon().layer as unknown as Record<string, (...args: unknown[]) => unknown>;
const plain = { mode: 0o644, uid: 0, gid: 0, seconds: 1, nanoseconds: 0 };

test("a layer is written, and its summary says what", async () => {
  const path = directory();
  await using writer = new LayerWriter(path, true);
  writer.directory("d", { ...plain, mode: 0o755 });
  writer.beginFile("d/f\u00ff", plain);
  writer.append(Buffer.from("hel"));
  await writer.flush();
  writer.append(new Uint8Array(Buffer.from("xlo").buffer.slice(0)).subarray(0, 0));
  writer.append(Buffer.from("xxlo").subarray(2));
  writer.endFile();
  await writer.flush();
  await writer.flush();
  writer.whiteout("gone/x");
  assert.deepEqual(await writer.finish(), {
    bytes: 5,
    inodes: 3,
    refusedXattrs: 0,
    implied: ["", "gone"],
    whiteouts: ["gone/x"],
    opaque: [],
  });
  // A byte string: one byte, not the two of UTF-8.
  const [name] = readdirSync(join(path, "d"), { encoding: "buffer" });
  assert.deepEqual([...(name ?? [])], [0x66, 0xff]);
  assert.equal(
    readFileSync(Buffer.concat([Buffer.from(`${path}/d/`), name ?? Buffer.alloc(0)]), "utf8"),
    "hello",
  );
});

test("holes take no space, in the middle or at the end", async () => {
  const path = directory();
  await using writer = new LayerWriter(path, true);
  const gigabyte = 2 ** 30;
  writer.beginFile("middle", plain);
  writer.hole(gigabyte);
  writer.append(Buffer.from("end"));
  writer.endFile();
  writer.beginFile("end", plain);
  writer.append(Buffer.from("start"));
  writer.hole(gigabyte);
  writer.hole(gigabyte);
  writer.endFile();
  const { bytes } = await writer.finish();
  assert.equal(bytes, 8);
  for (const [name, size] of [
    ["middle", gigabyte + 3],
    ["end", 2 * gigabyte + 5],
  ] as const) {
    const found = statSync(join(path, name));
    assert.equal(found.size, size);
    assert.ok(found.blocks < 1000, `${name} takes ${found.blocks} blocks`);
  }
});

test("many entries in a batch, of every kind", async () => {
  const path = directory();
  await using writer = new LayerWriter(path, true);
  for (let i = 0; i < 5000; i++) {
    writer.beginFile(`dir-${i % 10}/${"long-name-".repeat(5)}${i}`, {
      ...plain,
      xattrs: ["user.n", String(i)],
    });
    writer.append(Buffer.from(`content ${i}`));
    writer.endFile();
  }
  writer.symlink("link", "dir-1", plain);
  writer.hardLink("hard", `dir-3/${"long-name-".repeat(5)}4993`);
  writer.fifo("fifo", plain);
  writer.opaque("dir-2");
  const summary = await writer.finish();
  assert.equal(summary.inodes, 5012);
  assert.deepEqual(summary.opaque, ["dir-2"]);
  assert.equal(readFileSync(join(path, "hard"), "utf8"), "content 4993");
  assert.ok(lstatSync(join(path, "fifo")).isFIFO());
});

test("errors of the core come with code, object and hint, at the next call", async () => {
  await using writer = new LayerWriter(directory(), true);
  writer.symlink("out", "..", plain);
  writer.beginFile("out/x", plain);
  await writer.flush();
  await assert.rejects(writer.finish(), {
    name: "LichenError",
    code: "INVALID_ARGUMENT",
    operation: "unpack entry",
    object: '"out/x"',
    reason: /part of its path "out" is a symbolic link \(PATH_THROUGH_SYMLINK\)/,
    hint: /hostile/,
  });
  assert.throws(() => new LayerWriter("/nonexistent", true), { code: "NOT_FOUND" });
  assert.throws(() => syncFilesystem("/nonexistent"), { code: "NOT_FOUND" });
});

test("a closed writer gives its descriptors back and can do nothing more", async () => {
  const before = readdirSync("/proc/self/fd").length;
  const writer = new LayerWriter(directory(), true);
  writer.beginFile("f", plain);
  await writer.flush();
  await writer.close();
  await writer.close();
  assert.equal(readdirSync("/proc/self/fd").length, before);
  writer.endFile();
  await assert.rejects(writer.finish(), TypeError);
});

test("content without a file is an error", async () => {
  await using writer = new LayerWriter(directory(), true);
  writer.append(Buffer.from("x"));
  await assert.rejects(writer.finish(), { reason: /EBADF/ });
  await using other = new LayerWriter(directory(), true);
  other.endFile();
  await assert.rejects(other.finish(), { reason: /EBADF/ });
});

test("nothing that is not of its type gets through", async () => {
  const path = directory();
  const handle = raw.open?.(path, true);
  const junk = [undefined, null, 1, "text", {}, [], () => {}, 1n, Symbol("s")];
  const none = new Uint8Array();
  for (const wrong of junk) {
    assert.throws(() => raw.write?.(wrong, none, []), TypeError);
    assert.throws(() => raw.finish?.(wrong), TypeError);
    assert.throws(() => raw.write?.(handle, wrong, []), TypeError);
    assert.throws(() => raw.write?.(handle, none, [wrong]), TypeError);
    if (!Array.isArray(wrong)) assert.throws(() => raw.write?.(handle, none, wrong), TypeError);
  }
  assert.throws(() => raw.write?.(handle, new Uint16Array(1), []), TypeError);
  for (const wrong of junk.filter((value) => typeof value !== "string")) {
    assert.throws(() => raw.settle?.(wrong), TypeError);
    assert.throws(() => raw.settle?.({ directory: path, lower: [], implied: [wrong] }), TypeError);
    assert.throws(() => raw.open?.(wrong, true), TypeError);
    assert.throws(() => raw.syncFilesystem?.(wrong), TypeError);
    assert.throws(() => raw.removeTree?.(wrong), TypeError);
  }
  const underWay = raw.write?.(handle, none, []);
  assert.throws(() => raw.write?.(handle, none, []), TypeError);
  assert.throws(() => raw.close?.(handle), TypeError);
  await underWay;
  raw.close?.(handle);
  for (const wrong of junk) raw.close?.(wrong);
  assert.deepEqual(readdirSync(path), []);
});

test("records that are not whole are refused", async () => {
  const batch = new LayerBatch();
  batch.entry("file", "f", { ...plain, xattrs: ["user.a", "b"] });
  batch.content(Buffer.from("x"));
  batch.hole(3);
  batch.endFile();
  batch.symlink("l", "t", plain);
  batch.hardLink("h", "f");
  batch.note("whiteout", "w");
  const whole = Buffer.from(batch.records);
  for (let size = 0; size <= whole.length; size++) {
    const handle = raw.open?.(directory(), true);
    const written = raw.write?.(handle, whole.subarray(0, size), batch.memories) as Promise<void>;
    // Where a record ends, what there is of the batch is one by itself.
    await written.catch((error) => assert.equal(error.code, "MALFORMED_RECORD"));
    raw.close?.(handle);
  }
  for (const bytes of [[0], [11], [255], [3], [4, 0, 0, 0, 0, 0, 0, 0xf0, 0xff]]) {
    const handle = raw.open?.(directory(), true);
    await assert.rejects(raw.write?.(handle, Uint8Array.from(bytes), []) as Promise<void>, {
      code: "MALFORMED_RECORD",
    });
  }
});

test("a tree is removed whole, links in it are not followed", () => {
  const path = directory();
  mkdirSync(join(path, "kept"));
  writeFileSync(join(path, "kept/file"), "x");
  mkdirSync(join(path, "tree/a/b/c"), { recursive: true });
  symlinkSync("../kept", join(path, "tree/link"));
  writeFileSync(join(path, "tree/a/file"), "x");
  removeTree(join(path, "tree"));
  removeTree(join(path, "tree"));
  removeTree(join(path, "missing/below"));
  assert.deepEqual(readdirSync(path), ["kept"]);
  assert.deepEqual(readdirSync(join(path, "kept")), ["file"]);
});

test("settling needs a layer", () => {
  const nothing = { lower: [], singleOwner: true, implied: [], whiteouts: [], opaque: [] };
  settleLayer({ ...nothing, directory: directory() });
  assert.throws(() => settleLayer({ ...nothing, directory: "/nonexistent" }), { code: "NOT_FOUND" });
});
