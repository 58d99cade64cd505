import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { decodePax } from "../../../src/image/layer/pax.ts";
import { paxSparse, SparseContent } from "../../../src/image/layer/sparse.ts";
import { buildArchive, type LayerEntry, mendChecksums, paxRecord } from "../../fixtures/image-layer.ts";
import { plainLayer, unpackInto } from "../../support/unpack.ts";

const scratch = mkdtempSync(join(tmpdir(), "lichen-sparse-"));
after(() => rmSync(scratch, { recursive: true }));
let count = 0;

/** Unpacks an archive in chunks of a size that is no multiple of a block. */
async function unpack(archive: Uint8Array): Promise<{ at: (name: string) => string; bytes: number }> {
  const directory = join(scratch, `layer-${count++}`);
  mkdirSync(directory);
  const { bytes } = await unpackInto(directory, plainLayer(archive), { chunk: 1000 });
  return { at: (name) => join(directory, name), bytes };
}

const mebibyte = 1024 * 1024;
/** Content at these offsets of a file, and how long it is. */
const shapes: Record<string, { parts: [offset: number, text: string][]; size: number }> = {
  few: {
    parts: [
      [0, "start"],
      [mebibyte, "middle"],
      [3 * mebibyte, "end"],
    ],
    size: 3 * mebibyte + 3,
  },
  "hole-at-end": { parts: [[mebibyte, "x".repeat(5000)]], size: 8 * mebibyte },
  "nothing-but-hole": { parts: [], size: 4 * mebibyte },
  many: {
    parts: Array.from({ length: 100 }, (_, i) => [i * 65_536, `part ${i}`] as [number, string]),
    size: 100 * 65_536,
  },
};

const source = join(scratch, "source");
mkdirSync(source);
for (const [name, { parts, size }] of Object.entries(shapes)) {
  const fd = openSync(join(source, name), "w");
  ftruncateSync(fd, size);
  for (const [offset, text] of parts) writeSync(fd, text, offset);
  closeSync(fd);
}

const forms = [
  ["the old GNU form", ["--format=gnu"]],
  ["PAX form 0.0", ["--format=posix", "--sparse-version=0.0"]],
  ["PAX form 0.1", ["--format=posix", "--sparse-version=0.1"]],
  ["PAX form 1.0", ["--format=posix", "--sparse-version=1.0"]],
] as const;
for (const [what, options] of forms)
  test(`sparse files of GNU tar in ${what} keep their holes`, async () => {
    const names = Object.keys(shapes);
    const archive = execFileSync("tar", ["-C", source, "--sparse", ...options, "-cf", "-", ...names]);
    const { at } = await unpack(archive);
    for (const name of names) {
      assert.ok(readFileSync(at(name)).equals(readFileSync(join(source, name))), name);
      const { blocks } = statSync(at(name));
      assert.ok(
        blocks * 512 < statSync(at(name)).size / 4 || name === "many",
        `${name} takes ${blocks} blocks`,
      );
      assert.ok(blocks <= statSync(join(source, name)).blocks + 16, name);
    }
  });

test("an old GNU header with a long name and further blocks is one file among others", async () => {
  const directory = "d".repeat(120);
  mkdirSync(join(source, directory));
  execFileSync("cp", ["--sparse=always", join(source, "many"), join(source, directory, "sparse")]);
  const options = ["-C", source, "--sparse", "--format=gnu", "-cf", "-", "few", directory, "hole-at-end"];
  const { at } = await unpack(execFileSync("tar", options));
  assert.equal(statSync(at("few")).size, 3 * mebibyte + 3);
  assert.ok(readFileSync(at(`${directory}/sparse`)).equals(readFileSync(join(source, "many"))));
  assert.equal(statSync(at("hole-at-end")).size, 8 * mebibyte);
});

test("an archive that ends within a sparse header is refused", async () => {
  const archive = execFileSync("tar", ["-C", source, "--sparse", "--format=gnu", "-cf", "-", "many"]);
  for (const blocks of [1, 2, 3, 6])
    await assert.rejects(unpack(archive.subarray(0, blocks * 512)), {
      code: "DATA_LOSS",
      reason: /end of data/,
    });
});

const pax = (records: Record<string, string>, content = ""): LayerEntry => ({
  name: "file",
  content,
  pax: records,
});
const refusals: [string, LayerEntry, RegExp][] = [
  ["parts that overlap", pax({ "GNU.sparse.map": "0,4,2,4", "GNU.sparse.size": "9" }, "12345678"), /overlap/],
  [
    "parts out of order",
    pax({ "GNU.sparse.map": "6,2,0,2", "GNU.sparse.size": "9" }, "1234"),
    /out of order/,
  ],
  ["parts beyond the end", pax({ "GNU.sparse.map": "0,10", "GNU.sparse.size": "9" }, "1234567890"), /beyond/],
  [
    "too little content",
    pax({ "GNU.sparse.map": "0,5", "GNU.sparse.size": "9" }, "1234"),
    /more content than/,
  ],
  ["too much content", pax({ "GNU.sparse.map": "0,2", "GNU.sparse.size": "9" }, "1234"), /more content than/],
  ["an odd list", pax({ "GNU.sparse.map": "0,2,5", "GNU.sparse.size": "9" }, "12"), /not whole/],
  ["a negative number", pax({ "GNU.sparse.map": "-1,2", "GNU.sparse.size": "9" }, "12"), /is none/],
  ["a number too large", pax({ "GNU.sparse.map": "0,9007199254740993", "GNU.sparse.size": "9" }), /is none/],
  ["no size", pax({ "GNU.sparse.map": "0,2" }, "12"), /is none/],
  ["an unknown form", pax({ "GNU.sparse.major": "2", "GNU.sparse.minor": "0" }), /form 2\.0/],
  [
    "a list in the content that is none",
    pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9" }, "1\nx\n2\n"),
    /is none/,
  ],
  [
    "a list in the content that has no end",
    pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9" }, "4\n1\n2\n"),
    /not whole/,
  ],
  [
    "a list in the content that promises millions",
    pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9" }, "99999999\n"),
    /too long/,
  ],
];
for (const [what, entry, reason] of refusals)
  test(`refused, naming the file: ${what}`, async () => {
    await assert.rejects(unpack(await buildArchive([entry])), {
      code: "INVALID_ARGUMENT",
      operation: "unpack entry",
      object: '"file"',
      reason,
    });
  });

test("the file's name and size are those of the sparse form, its path checked like any other", async () => {
  const records = { "GNU.sparse.map": "2,2", "GNU.sparse.size": "6", "GNU.sparse.name": "real/name" };
  const { at } = await unpack(await buildArchive([pax(records, "ab")]));
  assert.deepEqual([...readFileSync(at("real/name"))], [0, 0, 97, 98, 0, 0]);
  const escaping = { ...records, "GNU.sparse.name": "../escaped" };
  await assert.rejects(unpack(await buildArchive([pax(escaping, "ab")])), { reason: /"\.\."/ });
});

test("the repeated keys of form 0.0 become a list", () => {
  assert.deepEqual(paxSparse({ "GNU.sparse.map": "1,2", "GNU.sparse.size": "5" }, "x")?.sparse, {
    parts: [1, 2],
    size: 5,
  });
  assert.equal(paxSparse({}, "x"), undefined);
  const keys = ["offset", "numbytes", "offset", "numbytes"];
  const repeated = Buffer.concat(keys.map((key, i) => paxRecord(`GNU.sparse.${key}`, String(i))));
  assert.deepEqual({ ...decodePax(repeated) }, { "GNU.sparse.map": "0,1,2,3" });
});

test("content in pieces of any size comes to the same places", () => {
  for (const size of [1, 2, 3, 7, 100]) {
    const placed: string[] = [];
    const content = new SparseContent(
      "file",
      { parts: [1, 3, 4, 0, 10, 5, 20, 0], size: 20 },
      {
        append: (bytes) => void placed.push(Buffer.from(bytes).toString()),
        hole: (bytes) => void placed.push("_".repeat(bytes)),
      },
    );
    const bytes = Buffer.from("abcdefgh");
    for (let at = 0; at < bytes.length; at += size) content.write(bytes.subarray(at, at + size));
    content.end();
    assert.equal(placed.join(""), "_abc______defgh_____");
  }
});

test("numbers of an old GNU header that are none are refused", async () => {
  const archive = Buffer.from(
    execFileSync("tar", ["-C", source, "--sparse", "--format=gnu", "-cf", "-", "few"]),
  );
  for (const [at, bytes] of [
    [386, [1]],
    [398, [0xff]],
    [483, [0x80, 0xff, 0xff]],
    [483, [0x2d]],
  ] as const) {
    const damaged = Buffer.from(archive);
    damaged.set(bytes, at);
    mendChecksums(damaged);
    await assert.rejects(unpack(damaged), {
      code: "INVALID_ARGUMENT",
      object: '"few"',
      reason: /is none|beyond/,
    });
  }
});

test("a wrong checksum of an old GNU header is not mended", async () => {
  const archive = Buffer.from(
    execFileSync("tar", ["-C", source, "--sparse", "--format=gnu", "-cf", "-", "few"]),
  );
  archive[0] = (archive[0] ?? 0) ^ 1;
  await assert.rejects(unpack(archive), { code: "DATA_LOSS", reason: /Invalid tar header/ });
  mendChecksums(archive);
  assert.ok((await unpack(archive)).at("x"));
});
