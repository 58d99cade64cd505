import assert from "node:assert/strict";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { constants, createZstdCompress } from "node:zlib";
import { LichenError } from "../../../src/errors.ts";
import { defaultLimits } from "../../../src/image/layer/limits.ts";
import { unpackLayer } from "../../../src/image/layer/unpack.ts";
import { diskUsages } from "../../../src/native/disk-usage.ts";
import { buildImage } from "../../fixtures/image.ts";
import {
  type BuiltLayer,
  buildArchive,
  buildLayer,
  compressLayer,
  type LayerEntry,
  sha256,
} from "../../fixtures/image-layer.ts";
import { manyEntries, rawHeader, streamedArchive } from "../../fixtures/raw-archive.ts";
import { inNamespaces } from "../../support/in-namespaces.ts";
import { scanTree } from "../../support/tree-scan.ts";
import { plainLayer, unpackInto } from "../../support/unpack.ts";
import { startImages, startRegistry, tmpfs } from "./node.ts";

const long = process.env.LICHEN_LONG_TESTS === "1";

/** A layer's directory among things that must not be touched; `check` scans them. */
function surroundings(t: TestContext) {
  const base = tmpfs(t);
  mkdirSync(join(base, "secret"));
  writeFileSync(join(base, "secret/file"), "kept");
  writeFileSync(join(base, "file"), "kept");
  symlinkSync("secret", join(base, "link"));
  const directory = join(base, "layer");
  mkdirSync(directory);
  const before = scanTree(base, [directory]);
  const others = ["/etc", "/tmp/lichen-escaped"].map((path) => [path, state(path)] as const);
  return {
    base,
    directory,
    untouched() {
      assert.deepEqual(scanTree(base, [directory]), before);
      for (const [path, was] of others) assert.equal(state(path), was, path);
    },
  };
}

function state(path: string): string {
  const at = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return at === undefined ? "not there" : `${at.mode} ${at.mtimeNs} ${at.nlink}`;
}

async function refused(
  t: TestContext,
  layer: Pick<BuiltLayer, "blob" | "digest" | "diffId">,
  expected: object,
) {
  const { directory, untouched } = surroundings(t);
  await assert.rejects(unpackInto(directory, layer), { name: "LichenError", ...expected });
  untouched();
}

if (inNamespaces("all")) {
  const escapes: [string, LayerEntry[], object][] = [
    ["..", [{ name: "a/../../file", content: "x" }], { object: '"a/../../file"', reason: /contains "\.\."/ }],
    [
      "an absolute name",
      [{ name: "/tmp/lichen-escaped" }],
      { object: '"/tmp/lichen-escaped"', reason: /absolute/ },
    ],
    [
      "a symbolic link, then a file through it",
      [
        { name: "out", type: "symlink", linkname: "../secret" },
        { name: "out/file", content: "stolen" },
      ],
      { object: '"out/file"', reason: /"out" is a symbolic link/ },
    ],
    [
      "a symbolic link, then a directory through it",
      [
        { name: "out", type: "symlink", linkname: "/etc" },
        { name: "out/new/", mode: 0o777 },
      ],
      { object: '"out/new"', reason: /"out" is a symbolic link/ },
    ],
    [
      "a symbolic link, then a whiteout through it",
      [{ name: "out", type: "symlink", linkname: "../secret" }, { name: "out/.wh.file" }],
      { object: '"out/file"', reason: /"out" is a symbolic link/ },
    ],
    [
      "a symbolic link, then an opaque mark through it",
      [{ name: "out", type: "symlink", linkname: "../secret" }, { name: "out/.wh..wh..opq" }],
      { object: '"out"', reason: /symbolic link/ },
    ],
    [
      "a hard link to a file outside",
      [{ name: "stolen", type: "link", linkname: "../secret/file" }],
      { object: '"stolen"', reason: /contains "\.\."/ },
    ],
    [
      "a hard link through a symbolic link",
      [
        { name: "out", type: "symlink", linkname: "../secret" },
        { name: "stolen", type: "link", linkname: "out/file" },
      ],
      { object: '"stolen"', reason: /not a directory/ },
    ],
    ["NUL in a name", [{ name: "x", pax: { path: "a\0b" } }], { reason: /NUL/ }],
    ["a name of 10 kB", [{ name: "x", pax: { path: "n".repeat(10_000) } }], { reason: /4095 bytes/ }],
    [
      "a name of one part too long",
      [{ name: "x", pax: { path: `a/${"n".repeat(256)}` } }],
      { reason: /255 bytes/ },
    ],
    [
      "a link target of 10 kB",
      [{ name: "x", type: "symlink", linkname: "y", pax: { linkpath: "n".repeat(10_000) } }],
      { object: '"x"', reason: /4095 bytes/ },
    ],
  ];
  for (const [what, entries, expected] of escapes)
    test(`refused, the outside untouched: ${what}`, async (t) => {
      await refused(t, await buildLayer(entries), {
        code: "INVALID_ARGUMENT",
        operation: "unpack entry",
        ...expected,
      });
    });

  test("a hard link to a symbolic link of the layer is a second name of the link, not of what it leads to", async (t) => {
    const { directory, untouched } = surroundings(t);
    await unpackInto(
      directory,
      await buildLayer([
        { name: "out", type: "symlink", linkname: "../file" },
        { name: "second", type: "link", linkname: "out" },
      ]),
    );
    assert.ok(lstatSync(join(directory, "second")).isSymbolicLink());
    untouched();
  });

  test("files, directories and links take each other's place, back and forth", async (t) => {
    const { directory, untouched } = surroundings(t);
    const forms: ((name: string) => LayerEntry[])[] = [
      (name) => [{ name, content: "file" }],
      (name) => [{ name: `${name}/` }, { name: `${name}/inside`, content: "x" }],
      (name) => [{ name, type: "symlink", linkname: "../secret" }],
      (name) => [{ name, type: "fifo" }],
      (name) => [
        { name: `target-${name}`, content: "linked" },
        { name, type: "link", linkname: `target-${name}` },
      ],
    ];
    const entries: LayerEntry[] = [];
    // Each form after each other one, and the first of the pair once more.
    for (const [i, first] of forms.entries())
      for (const [j, second] of forms.entries()) {
        const name = `n${i}${j}`;
        entries.push(...first(name), ...second(name), ...first(name));
      }
    await unpackInto(directory, await buildLayer(entries));
    for (const i of forms.keys())
      for (const j of forms.keys()) {
        const at = lstatSync(join(directory, `n${i}${j}`));
        const kinds = [at.isFile(), at.isDirectory(), at.isSymbolicLink(), at.isFIFO(), at.nlink > 1];
        assert.ok(kinds[i], `n${i}${j}`);
      }
    untouched();
  });

  test("an upper layer cannot write through a link of a lower one", async (t) => {
    const node = await startImages(t);
    const registry = await startRegistry(t);
    writeFileSync(join(node.dataDir, "file"), "kept");
    const below = await buildLayer([
      { name: "out", type: "symlink", linkname: "../../file" },
      { name: "up", type: "symlink", linkname: ".." },
    ]);
    const before = readFileSync(join(node.dataDir, "file"), "utf8");
    for (const [name, entries] of [
      ["implied", [{ name: "up/file", content: "stolen" }]],
      ["hidden", [{ name: "up/.wh.file" }]],
    ] as [string, LayerEntry[]][]) {
      registry.push(`lab/${name}`, buildImage({ layers: [below, await buildLayer(entries)] }), "1");
      await assert.rejects(node.images.pull(`${registry.host}/lab/${name}:1`), {
        code: "INVALID_ARGUMENT",
        reason: /a layer below has a symbolic link there/,
      });
      assert.deepEqual(node.layers(), []);
    }
    // What replaces the links is fine, and stays within its layer.
    const replacing = [{ name: "out", content: "own" }, { name: "up/" }, { name: "up/file", content: "own" }];
    const image = buildImage({ layers: [below, await buildLayer(replacing)] });
    registry.push("lab/replaced", image, "1");
    await node.images.pull(`${registry.host}/lab/replaced:1`);
    const [top = ""] = node.images.rootSource(image.id).lower;
    assert.equal(readFileSync(join(top, "up/file"), "utf8"), "own");
    assert.equal(readFileSync(join(node.dataDir, "file"), "utf8"), before);
  });

  const base256 = (...bytes: number[]) => Uint8Array.from([...bytes, ...Array(12 - bytes.length).fill(0xff)]);
  const lies: [string, Uint8Array | string, RegExp][] = [
    ["too long", "00000777777", /valid archive: Unexpected end of data/],
    ["as long as the number allows", "77777777777", /valid archive: Unexpected end of data/],
    ["negative, in base 256", base256(0xff), /valid archive|no number/],
    ["rubbish in octal", "99999999999", /size is no number|Invalid header|valid archive/],
    ["no digits", "size is huge", /size is no number|Invalid header|valid archive/],
    ["huge in base 256", base256(0x80), /size is no number|Invalid header|valid archive/],
  ];
  for (const [what, size, reason] of lies)
    test(`a header whose size is a lie is refused: ${what}`, async (t) => {
      const archive = Buffer.concat([
        rawHeader({ name: "file", size }),
        Buffer.alloc(512, "x"),
        Buffer.alloc(1024),
      ]);
      await refused(t, plainLayer(archive), { reason });
    });

  test("a header whose size is too short leaves content where a header should be, which is refused", async (t) => {
    const archive = Buffer.concat([
      rawHeader({ name: "file", size: "00000000001" }),
      Buffer.alloc(1024, "x"),
    ]);
    await refused(t, plainLayer(Buffer.concat([archive, Buffer.alloc(1024)])), {
      code: "DATA_LOSS",
      reason: /Invalid tar header/,
    });
  });

  test("a long header of 100 MB is refused before it is read", async (t) => {
    for (const type of ["x", "g", "L", "K"]) {
      const header = rawHeader({ name: "pax", type, size: (100_000_000).toString(8) });
      await refused(t, plainLayer(Buffer.concat([header, Buffer.alloc(4096)])), {
        reason: /exceeds max size/,
      });
    }
  });

  test("a decompression bomb ends at the limit, which the error names", async (t) => {
    const { directory, untouched } = surroundings(t);
    const size = 100_000_000;
    const archive = Buffer.concat([rawHeader({ name: "zeros", size: size.toString(8) }), Buffer.alloc(size)]);
    const limits = { ...defaultLimits, maxBytes: 20_000_000 };
    for (const compression of ["gzip", "zstd"] as const) {
      const layer = compressLayer(archive, compression);
      assert.ok(layer.blob.length < 1_000_000);
      await assert.rejects(unpackInto(directory, layer, { limits }), {
        code: "RESOURCE_EXHAUSTED",
        object: layer.digest,
        reason: /more than 20000000 bytes/,
        hint: /images\.max_layer_bytes/,
      });
      assert.ok((await diskUsages([directory]))[0]!.bytes <= limits.maxBytes + 2_000_000);
    }
    untouched();
  });

  test("a zstd window that wants a hundred megabytes of memory is refused", async (t) => {
    const archive = await buildArchive([{ name: "file", content: "x".repeat(100_000) }]);
    const compress = createZstdCompress({ params: { [constants.ZSTD_c_windowLog]: 27 } });
    const blob = await buffer(Readable.from([archive]).pipe(compress));
    const layer = { blob, digest: sha256(blob), diffId: sha256(archive) };
    await refused(t, layer, { code: "DATA_LOSS", reason: /window is larger than 32 MiB/ });
  });

  test("too many entries end at the limit, which the error names", async (t) => {
    const { directory } = surroundings(t);
    const { content, body } = streamedArchive(() => manyEntries(20_000, (i) => `f${i}`, "0"));
    const limits = { ...defaultLimits, maxEntries: 10_000 };
    await assert.rejects(
      unpackLayer(body(), content, { directory, singleOwner: true, devices: "skip", limits }),
      {
        code: "RESOURCE_EXHAUSTED",
        reason: /more than 10000 entries/,
        hint: /images\.max_layer_entries/,
      },
    );
    assert.ok(readdirSync(directory).length <= 10_000);
  });

  for (const [what, type] of [
    ["files", "0"],
    ["directories", "5"],
  ] as const)
    test(`memory does not grow with the number of ${what}`, { timeout: 3_600_000 }, async (t) => {
      const count = long ? 10_000_000 : 60_000;
      const { directory } = surroundings(t);
      // Few names again and again: what must not grow is memory, and ten million inodes need more than a tmpfs has.
      const names = Math.min(count, 60_000);
      const { content, body } = streamedArchive(() =>
        manyEntries(count, (i) => `d${(i % names) % 500}/${type}${i % names}`, type),
      );
      globalThis.gc?.();
      const before = process.memoryUsage.rss();
      let peak = before;
      const watching = setInterval(() => {
        peak = Math.max(peak, process.memoryUsage.rss());
      }, 20);
      t.after(() => clearInterval(watching));
      const limits = { ...defaultLimits, maxEntries: count };
      await unpackLayer(body(), content, { directory, singleOwner: true, devices: "skip", limits });
      peak = Math.max(peak, process.memoryUsage.rss());
      const megabytes = (peak - before) / 1e6;
      assert.ok(megabytes <= 64, `${megabytes} MB more`);
    });

  test("what has to be kept in memory until the end is limited", async (t) => {
    const { directory } = surroundings(t);
    const name = "n".repeat(80);
    const endless: [string, () => Iterable<Uint8Array>][] = [
      ["whiteouts", () => manyEntries(250_000, (i) => `.wh.${name}${i}`, "0")],
      ["directories that no entry describes", () => manyEntries(250_000, (i) => `${name}${i}/${type}`, "0")],
    ];
    const type = "f";
    for (const [what, parts] of endless) {
      const { content, body } = streamedArchive(parts);
      const options = { directory, singleOwner: true, devices: "skip", limits: defaultLimits } as const;
      await assert.rejects(
        unpackLayer(body(), content, options),
        (error) => error instanceof LichenError && /TOO_MANY_NAMES/.test(error.reason),
        what,
      );
    }
    assert.ok(statSync(directory).isDirectory());
  });

  test("devices are left out, recorded or refused", async (t) => {
    const layer = await buildLayer([{ name: "null", type: "character-device", mode: 0o666 }]);
    const { directory } = surroundings(t);
    assert.deepEqual((await unpackInto(directory, layer)).skipped, { devices: 1, xattrs: 0 });
    assert.deepEqual(readdirSync(directory), []);
    await assert.rejects(unpackInto(directory, layer, { devices: "refuse" }), {
      object: '"null"',
      reason: /images\.devices/,
    });
    assert.deepEqual((await unpackInto(directory, layer, { devices: "record" })).skipped.devices, 0);
    assert.ok(lstatSync(join(directory, "null")).isFile());
    assert.equal(lstatSync(join(directory, "null")).mode & 0o777, 0o666);
  });
}
