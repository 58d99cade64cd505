import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { readNodeReport } from "../../../src/config/node-report.ts";

const directory = mkdtempSync(join(tmpdir(), "lichen-report-"));
const file = join(directory, "node.json");
after(() => rmSync(directory, { recursive: true }));

describe("node report", () => {
  it("is asked of the launcher when it is missing", () => {
    assert.throws(() => readNodeReport(join(directory, "nowhere")), {
      code: "NOT_FOUND",
      hint: /lichen serve/,
    });
  });

  it("is read", () => {
    writeFileSync(file, JSON.stringify({ version: 1, uid: 1000, warnings: [] }));
    assert.equal(readNodeReport(directory).uid, 1000);
  });

  it("is refused in a form of another version", () => {
    writeFileSync(file, JSON.stringify({ version: 2 }));
    assert.throws(() => readNodeReport(directory), {
      code: "INTERNAL",
      reason: "version 2 is not 1",
      object: file,
    });
  });

  it("is refused when it is no JSON", () => {
    writeFileSync(file, "{");
    assert.throws(() => readNodeReport(directory), { code: "INTERNAL", object: file });
  });
});
