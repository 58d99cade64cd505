import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type TestContext, test } from "node:test";
import { defaultLimits } from "../../../src/image/layer/limits.ts";
import { byteExtract } from "../../../src/image/layer/pax.ts";
import { unpackLayer } from "../../../src/image/layer/unpack.ts";
import {
  type BuiltLayer,
  buildArchive,
  buildLayer,
  compressLayer,
  type LayerEntry,
  mendChecksums,
  sha256,
} from "../../fixtures/image-layer.ts";
import { inNamespaces } from "../../support/in-namespaces.ts";
import { chunksOf, unpackInto } from "../../support/unpack.ts";
import { tmpfs } from "./node.ts";

function unpack(layer: BuiltLayer, directory: string, options: Parameters<typeof unpackInto>[2] = {}) {
  mkdirSync(directory);
  return unpackInto(directory, layer, { singleOwner: false, ...options });
}

async function unpacked(t: TestContext, entries: LayerEntry[], options?: Parameters<typeof unpack>[2]) {
  const directory = join(tmpfs(t), "layer");
  const summary = await unpack(await buildLayer(entries), directory, options);
  return { directory, summary, at: (name: string) => join(directory, name) };
}

const permissions = (path: string) => lstatSync(path).mode & 0o7777;

/** The extended attributes of a file, read by GNU tar: Node has no call for them. */
async function xattrs(path: string): Promise<Record<string, Buffer>> {
  const options = ["--xattrs", "--xattrs-include=*", "-C", dirname(path), "-cf", "-", basename(path)];
  const reader = byteExtract();
  let pax: Record<string, string> = {};
  reader.on("entry", (header, content, next) => {
    pax = header.pax as typeof pax;
    content.on("end", next).resume();
  });
  await pipeline(Readable.from([execFileSync("tar", options)]), reader);
  const prefix = "SCHILY.xattr.";
  const found = Object.entries(pax ?? {}).filter(([key]) => key.startsWith(prefix));
  return Object.fromEntries(
    found.map(([key, value]) => [key.slice(prefix.length), Buffer.from(value, "latin1")]),
  );
}

if (inNamespaces("all")) {
  test("files, directories, links and fifos, with owner, mode and time", async (t) => {
    const { at, summary } = await unpacked(t, [
      { name: "./", mode: 0o755 },
      { name: "bin/", mode: 0o1777, uid: 1, gid: 2, mtime: 5 },
      { name: "bin/su", mode: 0o4755, uid: 33, gid: 44, content: "program", mtime: "1700000000.123456789" },
      { name: "bin/empty", mode: 0 },
      { name: "sbin", type: "symlink", linkname: "/bin", uid: 33, gid: 44, mtime: 7 },
      { name: "early", type: "link", linkname: "late" },
      { name: "late", content: "linked" },
      { name: "pipe", type: "fifo", mode: 0o622 },
      { name: "null", type: "character-device" },
    ]);
    const su = lstatSync(at("bin/su"), { bigint: true });
    assert.equal(su.mtimeNs, 1_700_000_000_123_456_789n);
    assert.deepEqual([su.uid, su.gid], [33n, 44n]);
    assert.equal(permissions(at("bin/su")), 0o4755);
    assert.equal(readFileSync(at("bin/su"), "utf8"), "program");
    assert.equal(permissions(at("bin")), 0o1777);
    assert.deepEqual([statSync(at("bin")).uid, statSync(at("bin")).gid], [1, 2]);
    assert.equal(statSync(at("bin")).mtimeMs, 5000);
    assert.equal(readlinkSync(at("sbin")), "/bin");
    assert.deepEqual([lstatSync(at("sbin")).uid, lstatSync(at("sbin")).mtimeMs], [33, 7000]);
    assert.equal(statSync(at("early")).ino, statSync(at("late")).ino);
    assert.ok(lstatSync(at("pipe")).isFIFO());
    assert.equal(lstatSync(at("null"), { throwIfNoEntry: false }), undefined);
    assert.deepEqual(summary.skipped, { devices: 1, xattrs: 0 });
    assert.equal(summary.bytes, 13);
    assert.deepEqual(summary.implied, []);
  });

  test("extended attributes, binary ones too", async (t) => {
    const capability = Uint8Array.from([1, 0, 0, 2, 0x80, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    const { at, summary } = await unpacked(t, [
      {
        name: "ping",
        mode: 0o755,
        xattrs: {
          "user.note": Uint8Array.from([0xff, 0, 0x80]),
          "security.capability": capability,
          "user.overlay.redirect": "/etc",
        },
      },
    ]);
    const found = await xattrs(at("ping"));
    assert.deepEqual([...(found["user.note"] ?? [])], [0xff, 0, 0x80]);
    // The kernel stores the namespace's own form, and shows within it what was asked for.
    assert.deepEqual([...(found["security.capability"] ?? [])], [...capability]);
    assert.deepEqual(Object.keys(found).sort(), ["security.capability", "user.note"]);
    assert.equal(summary.skipped.xattrs, 1);
    assert.equal(summary.refusedXattrs, 0);
  });

  test("names that are not UTF-8 stay what they are", async (t) => {
    const raw = Uint8Array.from([0x66, 0xff, 0xfe]);
    const { directory } = await unpacked(t, [{ name: "x", pax: { path: raw } }, { name: "größe" }]);
    assert.deepEqual(
      readdirSync(directory, { encoding: "buffer" })
        .map((name) => [...name])
        .sort(),
      [[...raw], [...Buffer.from("größe")]].sort(),
    );
  });

  test("gzip of several members, zstd of several frames, plain, in chunks of any size", async (t) => {
    const archive = await buildArchive([{ name: "file", content: "x".repeat(100_000) }]);
    const thirds = [archive.subarray(0, 5000), archive.subarray(5000, 5001), archive.subarray(5001)];
    const skippable = Uint8Array.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    const parts = (compression: "gzip" | "zstd") =>
      thirds.map((third) => compressLayer(third, compression).blob);
    const blobs = [
      archive,
      ...(["gzip", "zstd"] as const).map((compression) => compressLayer(archive, compression).blob),
      Buffer.concat(parts("gzip")),
      Buffer.concat(parts("zstd")),
      Buffer.concat([skippable, ...parts("zstd"), skippable]),
    ];
    const directory = tmpfs(t);
    let n = 0;
    for (const blob of blobs)
      for (const chunk of [7, 1000, 1_000_000]) {
        const place = join(directory, String(n++));
        await unpack({ blob, digest: sha256(blob), diffId: sha256(archive), mediaType: "" }, place, {
          chunk,
        });
        assert.equal(statSync(join(place, "file")).size, 100_000);
      }
  });

  test("sizes where there is no content, and sizes that are none, do not hold up the reader", async (t) => {
    const directory = tmpfs(t);
    const entries: LayerEntry[] = [
      { name: "dir/" },
      { name: "link", type: "symlink", linkname: "x" },
      { name: "file" },
    ];
    const sized = async (block: number, size: string) => {
      const archive = Buffer.from(await buildArchive(entries));
      archive.write(size, block * 512 + 124, "latin1");
      mendChecksums(archive);
      return compressLayer(archive, "none");
    };
    await unpack(await sized(0, "00000000777"), join(directory, "first"));
    assert.deepEqual(readdirSync(join(directory, "first")).sort(), ["dir", "file", "link"]);
    for (const block of [0, 1, 2]) {
      const place = join(directory, `none-${block}`);
      await assert.rejects(unpack(await sized(block, "\xe9"), place), { reason: /size is no number/ });
    }
  });

  test("an id outside the map is refused, naming file, ids and cure", async (t) => {
    const entries = [{ name: "file", uid: 4_000_000, pax: { uid: "4000000" } }];
    await assert.rejects(unpacked(t, entries), {
      code: "FAILED_PRECONDITION",
      object: '"file" to 4000000:0',
      reason: /maps no such id/,
      hint: /subuid/,
    });
  });

  test("with a single id everything belongs to it", async (t) => {
    const { at } = await unpacked(t, [{ name: "file", uid: 33, gid: 44, mode: 0o2755 }], {
      singleOwner: true,
    });
    assert.deepEqual([statSync(at("file")).uid, statSync(at("file")).gid], [0, 0]);
    assert.equal(permissions(at("file")), 0o2755);
  });

  const hostile: [string, LayerEntry[], RegExp][] = [
    ["an absolute name", [{ name: "/tmp/lichen-escaped" }], /absolute/],
    ['".."', [{ name: "a/../../lichen-escaped" }], /"\.\."/],
    ["a name by PAX", [{ name: "x", pax: { path: "../lichen-escaped" } }], /"\.\."/],
    ["a NUL by PAX", [{ name: "x", pax: { path: "a\0b" } }], /NUL/],
    [
      "a path through a symbolic link",
      [
        { name: "out", type: "symlink", linkname: ".." },
        { name: "out/lichen-escaped", content: "x" },
      ],
      /symbolic link/,
    ],
    [
      "a path through a symbolic link, deeper",
      [
        { name: "a/out", type: "symlink", linkname: "/" },
        { name: "a/out/tmp/lichen-escaped/file", content: "x" },
      ],
      /symbolic link/,
    ],
    [
      "a hard link through a symbolic link",
      [
        { name: "out", type: "symlink", linkname: "/etc" },
        { name: "stolen", type: "link", linkname: "out/passwd" },
      ],
      /not a directory/,
    ],
    [
      "a hard link to a path outside",
      [{ name: "stolen", type: "link", linkname: "../../etc/passwd" }],
      /"\.\."/,
    ],
    ["a hard link to nothing", [{ name: "x", type: "link", linkname: "y" }], /not in this layer/],
    ["a path through a file", [{ name: "file", content: "x" }, { name: "file/below" }], /not a directory/],
    ["a name that is too long", [{ name: "x", pax: { path: "n".repeat(300) } }], /255 bytes/],
    ["a malformed PAX header", [{ name: "x", pax: { "a=b\n99 path=../x": "" } }], /.*/],
  ];
  for (const [what, entries, reason] of hostile)
    test(`refused: ${what}`, async (t) => {
      const directory = tmpfs(t);
      const layer = await buildLayer(entries);
      const failure = unpack(layer, join(directory, "layer"));
      if (what === "a malformed PAX header") await failure.catch(() => {});
      else await assert.rejects(failure, (error: Error & { reason: string }) => reason.test(error.reason));
      assert.deepEqual(readdirSync(directory), ["layer"]);
      assert.equal(lstatSync("/tmp/lichen-escaped", { throwIfNoEntry: false }), undefined);
    });

  test("content that is not what was promised is told by its digest or length, whatever the decoder says", async (t) => {
    const layer = await buildLayer([{ name: "file", content: "x".repeat(50_000) }]);
    const other = await buildLayer([{ name: "other" }]);
    const damaged = Buffer.from(layer.blob);
    damaged[40] = (damaged[40] ?? 0) ^ 0xff;
    const cut = layer.blob.subarray(0, layer.blob.length - 10);
    const directory = tmpfs(t);
    let n = 0;
    const attempt = (blob: Uint8Array, promised: Partial<BuiltLayer>, size = layer.blob.length) => {
      const place = join(directory, String(n++));
      mkdirSync(place);
      const { digest, diffId } = { ...layer, ...promised };
      const options = {
        directory: place,
        singleOwner: false,
        devices: "skip",
        limits: defaultLimits,
      } as const;
      return unpackLayer(chunksOf(blob, 100), { digest, diffId, size }, options);
    };
    await assert.rejects(attempt(damaged, {}), {
      code: "DATA_LOSS",
      operation: "verify layer",
      reason: /has the digest/,
    });
    await assert.rejects(attempt(cut, {}), {
      code: "DATA_LOSS",
      reason: /sent only \d+ bytes, the manifest promises/,
    });
    await assert.rejects(attempt(layer.blob, {}, 50), { code: "DATA_LOSS", reason: /sent more bytes/ });
    await assert.rejects(attempt(layer.blob, { diffId: other.diffId }), {
      code: "DATA_LOSS",
      operation: "verify archive of layer",
    });
    const text = compressLayer(Buffer.from("this is no archive ".repeat(100)), "gzip");
    await assert.rejects(attempt(text.blob, text, text.blob.length), {
      code: "DATA_LOSS",
      reason: /no valid archive/,
    });
    const half = compressLayer(
      (await buildLayer([{ name: "f", content: "x".repeat(5000) }], "none")).blob.subarray(0, 2000),
      "gzip",
    );
    await assert.rejects(attempt(half.blob, half, half.blob.length), {
      code: "DATA_LOSS",
      reason: /no valid archive/,
    });
  });

  test("no descriptor is left, whether it went well or not", async (t) => {
    const directory = tmpfs(t);
    const good = await buildLayer([{ name: "a/b/c", content: "x" }]);
    const bad = await buildLayer([{ name: "a/b/c", content: "x" }, { name: "../x" }]);
    await unpack(good, join(directory, "first"));
    const before = readdirSync("/proc/self/fd").length;
    await unpack(good, join(directory, "good"));
    await assert.rejects(unpack(bad, join(directory, "bad")));
    assert.equal(readdirSync("/proc/self/fd").length, before);
  });
}
