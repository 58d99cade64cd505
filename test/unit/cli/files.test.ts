import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { after, test } from "node:test";
import { openForReading, writeWhole } from "../../../src/cli/images/files.ts";

const base = mkdtempSync(join(tmpdir(), "lichen-files-"));
after(() => rmSync(base, { recursive: true }));

const directory = () => mkdtempSync(join(base, "d-"));

async function* parts(...texts: (string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    if (text instanceof Error) throw text;
    yield Buffer.from(text);
  }
}

test("a file appears when it is whole, in the place of one of before", async () => {
  const path = join(directory(), "a.tar");
  writeFileSync(path, "of before, and longer");
  await writeWhole(path, parts("one ", "", "two"));
  assert.equal(readFileSync(path, "utf8"), "one two");
  assert.equal((await buffer(await openForReading(path))).toString(), "one two");
});

test("of one that fails nothing is left, and the one of before stays", async () => {
  const place = directory();
  const path = join(place, "a.tar");
  writeFileSync(path, "before");
  await assert.rejects(writeWhole(path, parts("half", new Error("the daemon has gone"))), /has gone/);
  assert.deepEqual(readdirSync(place), ["a.tar"]);
  assert.equal(readFileSync(path, "utf8"), "before");
});

test("a place that is none is told before anything is asked for", async () => {
  let asked = false;
  const data = async function* () {
    asked = true;
    yield Buffer.from("x");
  };
  const nowhere = join(directory(), "none/a.tar");
  await assert.rejects(writeWhole(nowhere, data()), {
    code: "NOT_FOUND",
    operation: "write archive",
    object: nowhere,
  });
  const closed = directory();
  chmodSync(closed, 0o500);
  await assert.rejects(writeWhole(join(closed, "a.tar"), data()), {
    code: "FAILED_PRECONDITION",
    reason: "EACCES",
  });
  assert.equal(asked, false);
  await assert.rejects(openForReading(nowhere), { code: "NOT_FOUND", operation: "read archive" });
});

test("a directory in the file's place stays, and what was written goes", async () => {
  const place = directory();
  const inside = mkdtempSync(join(place, "taken-"));
  writeFileSync(join(inside, "file"), "");
  await assert.rejects(writeWhole(inside, parts("x")), { code: "EISDIR" });
  assert.deepEqual(readdirSync(place).length, 1);
});
