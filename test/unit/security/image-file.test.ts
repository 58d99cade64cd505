import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { LichenError } from "../../../src/errors.ts";
import { readImageFile } from "../../../src/security/image-file.ts";

const base = mkdtempSync(join(tmpdir(), "lichen-image-"));
after(() => rmSync(base, { recursive: true }));
writeFileSync(join(base, "secret"), "of the host");

/** A layer with these files; a value that begins with `->` is a symbolic link. */
function layer(files: Record<string, string>): string {
  const directory = mkdtempSync(join(base, "layer-"));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    if (content.startsWith("->")) symlinkSync(content.slice(2), join(directory, path));
    else writeFileSync(join(directory, path), content);
  }
  return directory;
}

test("the topmost layer that has the file wins", () => {
  const lower = [layer({ "etc/group": "g" }), layer({ "etc/passwd": "new" }), layer({ "etc/passwd": "old" })];
  assert.equal(readImageFile(lower, "etc/passwd"), "new");
});

test("what is not there is undefined", () => {
  assert.equal(readImageFile([], "etc/passwd"), undefined);
  assert.equal(readImageFile([layer({ other: "" })], "etc/passwd"), undefined);
  assert.equal(readImageFile([layer({ "etc/passwd/x": "" })], "etc/passwd"), undefined);
  assert.equal(readImageFile([layer({ etc: "a file" })], "etc/passwd"), undefined);
});

test("a file or link in place of a directory hides the directories below it", () => {
  const lower = [layer({ etc: "a file" }), layer({ "etc/passwd": "hidden" })];
  assert.equal(readImageFile(lower, "etc/passwd"), undefined);
});

test("links are followed across layers", () => {
  const lower = [layer({ "etc/passwd": "->../usr/lib/passwd" }), layer({ "usr/lib/passwd": "linked" })];
  assert.equal(readImageFile(lower, "etc/passwd"), "linked");
  const directories = [layer({ etc: "->usr/etc" }), layer({ "usr/etc/passwd": "through a directory" })];
  assert.equal(readImageFile(directories, "etc/passwd"), "through a directory");
});

test("absolute links and dot-dot stay inside the image", () => {
  const secret = join(base, "secret");
  assert.equal(readImageFile([layer({ "etc/passwd": `->${secret}` })], "etc/passwd"), undefined);
  assert.equal(readImageFile([layer({ "etc/passwd": "->../../../../secret" })], "etc/passwd"), undefined);
  const image = layer({ "etc/passwd": "->/../../real", real: "inside" });
  assert.equal(readImageFile([image], "etc/passwd"), "inside");
});

test("a loop of links is no file", () => {
  assert.equal(readImageFile([layer({ a: "->b", b: "->a" })], "a"), undefined);
});

test("a file that is too large is refused", () => {
  const image = layer({ "etc/passwd": "" });
  truncateSync(join(image, "etc/passwd"), 5 * 1024 * 1024);
  assert.throws(
    () => readImageFile([image], "etc/passwd"),
    (error) => error instanceof LichenError && error.code === "FAILED_PRECONDITION",
  );
});
