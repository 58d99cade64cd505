import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { releaseUnusedMemory } from "../../../src/native/memory.ts";

/** KiB of files' pages that this process has mapped. */
function residentFiles(): number {
  return Number(/^RssFile:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
}

test("start-up code is given back, and everything still works when it is needed again", () => {
  const before = residentFiles();
  releaseUnusedMemory();
  const after = residentFiles();
  assert.ok(after < before / 2, `${before} KiB of files before, ${after} KiB after`);
  assert.equal(JSON.stringify([..."abc"].map((letter) => letter.codePointAt(0))), "[97,98,99]");
  assert.match(
    new Intl.DateTimeFormat("en", { dateStyle: "full", timeZone: "UTC" }).format(0),
    /January 1, 1970/,
  );
  releaseUnusedMemory();
});
