import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { Header } from "tar-stream";
import { readPlainHeader } from "../../../src/image/layer/plain-header.ts";
import { rawHeader } from "../../fixtures/raw-archive.ts";

const headersFile = join(import.meta.dirname, "../../../node_modules/tar-stream/headers.js");
/** tar-stream's own reading of a header, which is what counts. */
const { decode } = createRequire(import.meta.url)(headersFile) as {
  decode(block: Uint8Array, encoding: "latin1", allowUnknown: boolean): Header | null;
};

const looked = ["name", "mode", "uid", "gid", "size", "mtime", "type", "linkname", "pax"] as const;

/** What is read is what tar-stream reads; true when it was read at all. */
function agrees(block: Uint8Array): boolean {
  const read = readPlainHeader(block);
  if (read === undefined) return false;
  const expected = decode(block, "latin1", false);
  assert.ok(expected);
  assert.deepEqual(read, Object.fromEntries(looked.map((key) => [key, expected[key]])));
  return true;
}

/** The header with a checksum that fits. */
function sealed(block: Buffer): Buffer {
  block.fill(" ", 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

const names = fc
  .uint8Array({ minLength: 1, maxLength: 100 })
  .map((bytes) => bytes.filter((byte) => byte !== 0));

test("headers of files, directories, links and PAX records are read as tar-stream reads them", () => {
  const numbers = fc.nat(0o7777777);
  const types = fc.constantFrom("0", "1", "2", "5", "x");
  const gnu = fc.boolean();
  fc.assert(
    fc.property(
      names,
      names,
      names,
      numbers,
      numbers,
      types,
      gnu,
      (name, linkname, prefix, id, size, type, isGnu) => {
        const block = rawHeader({ name: "", type, size: size.toString(8).padStart(11, "0") });
        block.set(name, 0);
        block.set(linkname, 157);
        if (isGnu) block.write("ustar  \0", 257);
        else block.set(prefix, 345);
        block.write(`${id.toString(8).padStart(7, "0")}\0`, 108);
        block.write(`${size.toString(8).padStart(11, "0")} `, 136);
        return agrees(sealed(block));
      },
    ),
  );
});

test("whatever else a header holds, nothing is read otherwise than by tar-stream", () => {
  const changes = fc.array(fc.tuple(fc.nat(511), fc.nat(255)), { maxLength: 6 });
  fc.assert(
    fc.property(
      names,
      fc.constantFrom("0", "\0", "2", "3", "5", "7", "g", "K", "L", "S", "x"),
      changes,
      fc.boolean(),
      (name, type, changed, repair) => {
        const block = rawHeader({ name: "", type });
        block.set(name, 0);
        for (const [at, byte] of changed) block[at] = byte;
        agrees(repair ? sealed(block) : block);
      },
    ),
    { numRuns: 2000 },
  );
});

test("what is unusual or broken is left to tar-stream", () => {
  assert.ok(agrees(rawHeader({ name: "usual" })));
  assert.equal(readPlainHeader(Buffer.alloc(512)), undefined, "the end of an archive");
  const unusual: [string, number, string | number[]][] = [
    ["a number in base 256", 124, [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]],
    ["a number that begins with a space", 108, " 000017\0"],
    ["an empty number", 108, "\0\0\0\0\0\0\0\0"],
    ["a digit that is none", 124, "00000000009\0"],
    ["a device", 156, "3"],
    ["a sparse file", 156, "S"],
    ["a long name", 156, "L"],
    ["the oldest type of files", 156, "\0"],
    ["no magic", 257, "\0\0\0\0\0\0"],
    ["magic that is cut", 257, "ustax\0"],
  ];
  for (const [what, at, value] of unusual) {
    const block = rawHeader({ name: "x" });
    block.set(typeof value === "string" ? Buffer.from(value, "latin1") : value, at);
    assert.equal(readPlainHeader(sealed(block)), undefined, what);
  }
  const damaged = rawHeader({ name: "x" });
  damaged[0] = 0x79;
  assert.equal(readPlainHeader(damaged), undefined, "a checksum that does not fit");
});

test("memory that is no Buffer, and lies anywhere, is read the same", () => {
  const memory = new Uint8Array(1024);
  memory.set(rawHeader({ name: "é/ü", type: "2", linkname: "to" }), 300);
  assert.ok(agrees(memory.subarray(300, 812)));
});
