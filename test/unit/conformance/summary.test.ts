import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findings, notPassed, totals, verdict } from "../../conformance/summary.ts";

const report = {
  specs: [
    { name: "b", outcome: "skipped" as const, reason: "AppArmor is disabled on this host", seconds: 0 },
    { name: "c", outcome: "passed" as const, reason: "", seconds: 0 },
    {
      name: "a",
      outcome: "failed" as const,
      reason: "rpc error: code = Unimplemented desc = no",
      seconds: 0,
    },
  ],
  troubles: [],
  seed: 1,
};
const nothing = { held: [], broken: [], vanished: [], fresh: [] };

describe("what a run prints", () => {
  it("is every spec that did not pass, failures first, with its reason below", () => {
    assert.deepEqual(notPassed(report), [
      "failed   a",
      "         rpc error: code = Unimplemented desc = no",
      "skipped  b",
      "         AppArmor is disabled on this host",
    ]);
  });

  it("ends with critest's own numbers", () => {
    assert.equal(totals(report), "critest: 1 passed, 1 failed, 1 skipped");
  });

  it("counts a spec that vanished with those that failed", () => {
    const comparison = { ...nothing, held: ["a", "b"], broken: ["c"], vanished: ["d"] };
    assert.equal(verdict(comparison), "must pass: 2 passed, 2 failed");
  });

  it("has nothing more to say when all is as expected", () => {
    assert.deepEqual(findings({ ...nothing, held: ["a"] }), []);
  });

  it("names what broke, what vanished, and what passes for the first time", () => {
    const lines = findings({ held: [], broken: ["x"], vanished: ["y"], fresh: ["z"] });
    assert.deepEqual(
      lines.filter((line) => line.startsWith("  ")),
      ["  x", "  y", "  z"],
    );
    assert.ok(lines.some((line) => line.includes("--update")));
  });
});
