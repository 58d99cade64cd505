import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { test } from "node:test";
import type { Header } from "tar-stream";
import { byteExtract, decodePax } from "../../../src/image/layer/pax.ts";
import { buildArchive, type LayerEntry, paxRecord } from "../../fixtures/image-layer.ts";

async function headers(...entries: LayerEntry[]): Promise<Header[]> {
  const reader = byteExtract();
  const seen: Header[] = [];
  reader.on("entry", (header, content, next) => {
    seen.push(header);
    content.on("end", () => next());
    content.resume();
  });
  await pipeline(Readable.from([await buildArchive(entries)]), reader);
  return seen;
}

const bytes = (...values: number[]) => Uint8Array.from(values);
const asByteString = (data: Uint8Array) => Buffer.from(data).toString("latin1");

test("binary values arrive byte for byte", async () => {
  const capability = bytes(1, 0, 0, 2, 0x80, 0x20, 0, 0, 0xff, 0xfe, 0x0a, 0x3d, 0, 0, 0, 0, 0, 0, 0, 0);
  const [header] = await headers({ name: "ping", xattrs: { "security.capability": capability } });
  const pax = header?.pax as Record<string, string>;
  assert.equal(pax["SCHILY.xattr.security.capability"], asByteString(capability));
});

test("names need not be UTF-8, in the header or in PAX", async () => {
  const raw = bytes(0x66, 0xff, 0xc3, 0x28);
  const [plain, pax] = await headers({ name: "é" }, { name: "x", pax: { path: raw, linkpath: raw } });
  assert.equal(Buffer.from(plain?.name ?? "", "latin1").toString(), "é");
  assert.equal(pax?.name, asByteString(raw));
  assert.equal(pax?.linkname, asByteString(raw));
});

test("a PAX header is for the next entry only", async () => {
  const [first, second] = await headers({ name: "a", pax: { comment: "x" } }, { name: "b" });
  assert.ok(first?.pax);
  assert.equal(second?.pax, null);
});

test("records are read by their length, whatever they contain", () => {
  const data = Buffer.concat([
    paxRecord("a", "1\n2=3"),
    paxRecord("b=c".slice(0, 1), ""),
    paxRecord("k", "x".repeat(95)),
  ]);
  assert.deepEqual({ ...decodePax(data) }, { a: "1\n2=3", b: "", k: "x".repeat(95) });
  assert.deepEqual({ ...decodePax(new Uint8Array()) }, {});
});

test("__proto__ is a key like any other", () => {
  const records = decodePax(paxRecord("__proto__", "x"));
  assert.equal(Object.getPrototypeOf(records), null);
  assert.deepEqual(Object.keys(records), ["__proto__"]);
});

test("malformed records are refused", () => {
  for (const text of [
    "x a=b\n",
    "6 a=b",
    "6 a=bX",
    "99 a=b\n",
    "5 ab\n",
    "0 a=b\n",
    "-6 a=b\n",
    "6a=b\n",
    "6 a=b\nrest",
  ])
    assert.throws(() => decodePax(Buffer.from(text)), /malformed PAX header/, text);
});
