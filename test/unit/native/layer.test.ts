import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { addon } from "../../../src/native/addon.ts";
import { LayerWriter, settleLayer, syncFilesystem } from "../../../src/native/layer.ts";

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
const numbers = [0o644, 0, 0, 1, 0];

test("a layer is written, and its summary says what", () => {
  const path = directory();
  using writer = new LayerWriter(path, true);
  writer.directory("d", { ...plain, mode: 0o755 });
  writer.beginFile("d/f\u00ff", plain);
  writer.append(Buffer.from("hel"));
  writer.append(new Uint8Array(Buffer.from("xlo").buffer.slice(0)).subarray(0, 0));
  writer.append(Buffer.from("xxlo").subarray(2));
  writer.endFile();
  writer.whiteout("gone/x");
  assert.deepEqual(writer.finish(), {
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

test("errors of the core come with code, object and hint", () => {
  using writer = new LayerWriter(directory(), true);
  writer.symlink("out", "..", plain);
  assert.throws(() => writer.beginFile("out/x", plain), {
    name: "LichenError",
    code: "INVALID_ARGUMENT",
    object: '"out"',
    reason: /symbolic link \(PATH_THROUGH_SYMLINK\)/,
    hint: /hostile/,
  });
  assert.throws(() => new LayerWriter("/nonexistent", true), { code: "NOT_FOUND" });
  assert.throws(() => syncFilesystem("/nonexistent"), { code: "NOT_FOUND" });
});

test("a closed writer gives its descriptors back and can do nothing more", () => {
  const before = readdirSync("/proc/self/fd").length;
  const writer = new LayerWriter(directory(), true);
  writer.beginFile("f", plain);
  writer.close();
  writer.close();
  assert.equal(readdirSync("/proc/self/fd").length, before);
  assert.throws(() => writer.append(Buffer.from("x")), TypeError);
  assert.throws(() => writer.finish(), TypeError);
});

test("content without a file is an error", () => {
  using writer = new LayerWriter(directory(), true);
  assert.throws(() => writer.append(Buffer.from("x")), { reason: /EBADF/ });
  assert.throws(() => writer.endFile(), { reason: /EBADF/ });
});

test("nothing that is not of its type gets through", () => {
  const path = directory();
  const handle = raw.open?.(path, true);
  const junk = [undefined, null, 1, "text", {}, [], () => {}, 1n, Symbol("s")];
  const names = [
    "directory",
    "beginFile",
    "append",
    "endFile",
    "symlink",
    "fifo",
    "hardLink",
    "whiteout",
    "opaque",
  ];
  for (const name of [...names, "finish"])
    for (const wrong of junk) assert.throws(() => raw[name]?.(wrong, "x", ...numbers), TypeError, name);
  for (const wrong of junk.filter((value) => typeof value !== "string")) {
    for (const name of ["directory", "beginFile", "fifo"])
      assert.throws(() => raw[name]?.(handle, wrong, ...numbers), TypeError, name);
    for (const name of ["whiteout", "opaque"])
      assert.throws(() => raw[name]?.(handle, wrong), TypeError, name);
    assert.throws(() => raw.symlink?.(handle, "x", wrong, ...numbers), TypeError);
    assert.throws(() => raw.hardLink?.(handle, "x", wrong), TypeError);
    assert.throws(() => raw.append?.(handle, wrong), TypeError);
    assert.throws(() => raw.settle?.(wrong), TypeError);
    assert.throws(() => raw.settle?.({ directory: path, lower: [], implied: [wrong] }), TypeError);
    assert.throws(() => raw.open?.(wrong, true), TypeError);
    assert.throws(() => raw.syncFilesystem?.(wrong), TypeError);
  }
  assert.throws(() => raw.beginFile?.(handle, "x", "0644", 0, 0, 1, 0), TypeError);
  assert.throws(() => raw.beginFile?.(handle, "x", ...numbers, "xattrs"), TypeError);
  assert.throws(() => raw.beginFile?.(handle, "x", ...numbers, ["user.x", 1]), TypeError);
  raw.close?.(handle);
  for (const wrong of junk) raw.close?.(wrong);
  assert.deepEqual(readdirSync(path), []);
});

test("settling needs a layer", () => {
  const nothing = { lower: [], singleOwner: true, implied: [], whiteouts: [], opaque: [] };
  settleLayer({ ...nothing, directory: directory() });
  assert.throws(() => settleLayer({ ...nothing, directory: "/nonexistent" }), { code: "NOT_FOUND" });
});
