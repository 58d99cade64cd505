import assert from "node:assert/strict";
import { test } from "node:test";
import type { Header } from "tar-stream";
import { type Entry, readEntry, type Skipped } from "../../../src/image/layer/entry.ts";

function read(header: Partial<Header>, skipped: Skipped = { devices: 0, xattrs: 0 }): Entry {
  return readEntry(
    { type: "file", size: 0, mode: 0o644, uid: 0, gid: 0, mtime: new Date(0), ...header } as Header,
    skipped,
  );
}

const pathOf = (name: string, type: Header["type"] = "file") =>
  (read({ name, type }) as { path: string }).path;
const refused = (header: Partial<Header>, reason: RegExp) =>
  assert.throws(() => read(header), { code: "INVALID_ARGUMENT", operation: "unpack entry", reason });

test("names are brought to their plain form", () => {
  assert.equal(pathOf("a/b"), "a/b");
  assert.equal(pathOf("./a/b"), "a/b");
  assert.equal(pathOf("a//b/./c"), "a/b/c");
  assert.equal(pathOf("a/b/", "directory"), "a/b");
  assert.equal(pathOf("./", "directory"), "");
  assert.equal(pathOf(".hidden/..x/..."), ".hidden/..x/...");
});

test("names that leave, deceive or are too long are refused by rule", () => {
  for (const name of ["/etc/passwd", "//x"]) refused({ name }, /absolute/);
  for (const name of ["..", "../x", "a/../b", "a/..", "./../x"]) refused({ name }, /contains "\.\."/);
  refused({ name: "a\0b" }, /NUL/);
  refused({ name: "n".repeat(256) }, /more than 255 bytes/);
  refused({ name: `${"n/".repeat(2100)}x` }, /more than 4095 bytes/);
  refused({ name: "./", type: "file" }, /must be a directory/);
  assert.equal(pathOf("n".repeat(255)).length, 255);
});

test("the error names the entry, cut to a readable length", () => {
  assert.throws(() => read({ name: "/secret" }), { object: '"/secret"' });
  assert.throws(
    () => read({ name: `/${"x".repeat(5000)}` }),
    (error: Error & { object: string }) => error.object.length < 400,
  );
});

test("links: targets of symbolic links are anything, of hard links paths of the layer", () => {
  assert.deepEqual(read({ name: "l", type: "symlink", linkname: "/../../x" }), {
    kind: "symlink",
    path: "l",
    target: "/../../x",
    attributes: { mode: 0o644, uid: 0, gid: 0, seconds: 0, nanoseconds: 0 },
  });
  assert.deepEqual(read({ name: "h", type: "link", linkname: "./a/b" }), {
    kind: "hardlink",
    path: "h",
    target: "a/b",
  });
  assert.deepEqual(read({ name: "h", type: "link", linkname: "/a" }), {
    kind: "hardlink",
    path: "h",
    target: "a",
  });
  refused({ name: "h", type: "link", linkname: "../a" }, /contains "\.\."/);
  refused({ name: "l", type: "symlink", linkname: "" }, /no target/);
  refused({ name: "l", type: "symlink", linkname: "a\0b" }, /NUL/);
  refused({ name: "l", type: "symlink", linkname: "x".repeat(4096) }, /target .* more than 4095/);
});

test("whiteouts name what they hide", () => {
  assert.deepEqual(read({ name: "a/.wh.b" }), { kind: "whiteout", path: "a/b" });
  assert.deepEqual(read({ name: ".wh.b" }), { kind: "whiteout", path: "b" });
  assert.deepEqual(read({ name: "a/.wh..wh..opq" }), { kind: "opaque", path: "a" });
  assert.deepEqual(read({ name: ".wh..wh..opq" }), { kind: "opaque", path: "" });
  assert.deepEqual(read({ name: ".wh..wh.plnk" }), { kind: "skip" });
  for (const name of [".wh.", "a/.wh..", "a/.wh..."]) refused({ name }, /whiteout names nothing/);
  refused({ name: "../.wh.x" }, /contains "\.\."/);
});

test("device nodes are left out and counted", () => {
  const skipped = { devices: 0, xattrs: 0 };
  assert.deepEqual(read({ name: "null", type: "character-device" }, skipped), { kind: "skip" });
  assert.deepEqual(read({ name: "sda", type: "block-device" }, skipped), { kind: "skip" });
  assert.equal(skipped.devices, 2);
});

test("device nodes are recorded as containers/storage does, or refused, as configured", () => {
  const skipped = { devices: 0, xattrs: 0 };
  const header = { name: "sda", type: "block-device", devmajor: 8, devminor: 1, mode: 0o660, gid: 6 };
  const entry = { size: 0, uid: 0, mtime: new Date(0), ...header } as Header;
  assert.deepEqual(readEntry(entry, skipped, "record"), {
    kind: "file",
    path: "sda",
    attributes: {
      mode: 0o660,
      uid: 0,
      gid: 6,
      seconds: 0,
      nanoseconds: 0,
      xattrs: ["user.containers.override_stat", "0:6:0660:block-8-1"],
    },
  });
  assert.equal(skipped.devices, 0);
  assert.throws(() => readEntry(entry, skipped, "refuse"), { object: '"sda"', reason: /images\.devices/ });
});

test("a size that is no number is refused, whatever the entry is", () => {
  for (const size of [null, Number.NaN, -1, 2 ** 60])
    for (const header of [{ name: "x" }, { name: "x", type: "directory" as const }, { name: ".wh.x" }])
      refused({ ...header, size: size as number }, /size is no number/);
});

test("kinds that a layer cannot have are refused", () => {
  refused({ name: "x", type: null as unknown as "file" }, /kind/);
});

const attributes = (header: Partial<Header>, skipped?: Skipped) => {
  const entry = read({ name: "x", ...header }, skipped);
  assert.ok("attributes" in entry);
  return entry.attributes;
};

test("owners and modes come from the header, or from PAX where they do not fit there", () => {
  const from = attributes({ mode: 0o100_4755, uid: 7, gid: 8 });
  assert.deepEqual([from.mode, from.uid, from.gid], [0o4755, 7, 8]);
  const large = attributes({ uid: 7, gid: 8, pax: { uid: "4000000000", gid: "9" } });
  assert.deepEqual([large.uid, large.gid], [4_000_000_000, 9]);
  for (const uid of [-1, 2 ** 32 - 1, 1.5, Number.NaN]) refused({ name: "x", uid }, /owner is no valid id/);
  refused({ name: "x", pax: { gid: "root" } }, /group is no valid id/);
});

test("times are exact to the nanosecond, also before 1970", () => {
  const time = (mtime: string) => {
    const { seconds, nanoseconds } = attributes({ pax: { mtime } });
    return [seconds, nanoseconds];
  };
  assert.deepEqual(time("1700000000.123456789"), [1_700_000_000, 123_456_789]);
  assert.deepEqual(time("1700000000.5"), [1_700_000_000, 500_000_000]);
  assert.deepEqual(time("1.1234567899"), [1, 123_456_789]);
  assert.deepEqual(time("-1.25"), [-2, 750_000_000]);
  assert.deepEqual(time("-3"), [-3, 0]);
  const { seconds } = attributes({ mtime: new Date(5000) });
  assert.equal(seconds, 5);
  assert.equal(attributes({ mtime: new Date(Number.NaN) }).seconds, 0);
});

test("extended attributes: ours to set, or left out and counted", () => {
  const skipped = { devices: 0, xattrs: 0 };
  const { xattrs } = attributes(
    {
      pax: {
        "SCHILY.xattr.user.note": "n\u00ff",
        "SCHILY.xattr.security.capability": "\u0001",
        "SCHILY.xattr.user.overlay.opaque": "y",
        "SCHILY.xattr.user.overlay.redirect": "/etc",
        "SCHILY.xattr.trusted.overlay.opaque": "y",
        "SCHILY.xattr.security.selinux": "x",
      },
    },
    skipped,
  );
  assert.deepEqual(xattrs, ["user.note", "n\u00ff", "security.capability", "\u0001"]);
  assert.equal(skipped.xattrs, 4);
});
