import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { compare, readExpected, withFresh, writeExpected } from "../../conformance/expected.ts";
import type { Outcome, Report } from "../../conformance/report.ts";

const ran = (outcomes: Record<string, Outcome>): Report => ({
  specs: Object.entries(outcomes).map(([name, outcome]) => ({ name, outcome, reason: "", seconds: 0 })),
  troubles: [],
  seed: 1,
});

const list = (...mustPass: string[]) => ({ critest: "v1.36.0", mustPass });

describe("comparison with the specs that must pass", () => {
  it("is clean when all of them passed and nothing else did", () => {
    const report = ran({ a: "passed", b: "passed", c: "failed", d: "skipped" });
    assert.deepEqual(compare(report, list("a", "b"), true), {
      held: ["a", "b"],
      broken: [],
      vanished: [],
      fresh: [],
    });
  });

  it("names a listed spec that failed, and one that skipped itself", () => {
    assert.deepEqual(compare(ran({ a: "failed", b: "skipped" }), list("a", "b"), true).broken, ["a", "b"]);
  });

  it("names a listed spec that is not in the report of a whole run", () => {
    assert.deepEqual(compare(ran({ a: "passed" }), list("a", "gone"), true).vanished, ["gone"]);
  });

  it("does not miss specs outside a focus, but still judges those inside", () => {
    const comparison = compare(ran({ a: "failed" }), list("a", "elsewhere"), false);
    assert.deepEqual(comparison, { held: [], broken: ["a"], vanished: [], fresh: [] });
  });

  it("names what passes without being on the list", () => {
    assert.deepEqual(compare(ran({ a: "passed", b: "passed" }), list("a"), true).fresh, ["b"]);
  });
});

describe("the list", () => {
  it("grows by what passed for the first time, sorted, and keeps what failed", () => {
    const expected = list("c", "a");
    const comparison = compare(ran({ a: "failed", b: "passed" }), expected, true);
    assert.deepEqual(withFresh(expected, comparison), list("a", "b", "c"));
  });

  it("is the same after writing and reading", (t) => {
    const directory = mkdtempSync(join(tmpdir(), "lichen-expected-"));
    t.after(() => rmSync(directory, { recursive: true }));
    const path = join(directory, "expected.json");
    writeExpected(path, list("a", "b"));
    assert.deepEqual(readExpected(path), list("a", "b"));
  });

  it("of the project is readable, sorted, without doubles, and for the critest that is built", () => {
    const folder = join(dirname(fileURLToPath(import.meta.url)), "../../conformance");
    const { critest, mustPass } = readExpected(join(folder, "expected.json"));
    assert.deepEqual(mustPass, [...new Set(mustPass)].sort());
    assert.match(readFileSync(join(folder, "tools/go.mod"), "utf8"), new RegExp(`cri-tools ${critest}\\b`));
  });
});
