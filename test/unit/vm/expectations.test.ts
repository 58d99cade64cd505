import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Outcome, Report } from "../../conformance/report.ts";
import { judge, readExpectations } from "../../vm/expectations.ts";

const report = (outcomes: Record<string, Outcome>): Report => ({
  specs: Object.entries(outcomes).map(([name, outcome]) => ({ name, outcome, reason: "", seconds: 1 })),
  troubles: [],
  seed: 1,
});
const expectations = { mustPass: ["a", "b"], reasons: { c: "it cannot" } };

describe("what critest must pass in the VM", () => {
  it("is counted, and a spec with a reason may fail", () => {
    const { passed, failed, lines } = judge(
      report({ a: "passed", b: "passed", c: "failed" }),
      expectations,
      true,
    );
    assert.deepEqual([passed, failed], [2, 0]);
    assert.deepEqual(lines, ["need not pass: c: it cannot"]);
  });

  it("fails when it does not pass, or is missing from a whole run", () => {
    const broken = judge(report({ a: "skipped" }), expectations, false);
    assert.deepEqual([broken.passed, broken.failed], [0, 1]);
    assert.equal(judge(report({ a: "passed" }), expectations, false).failed, 0);
    assert.equal(judge(report({ a: "passed" }), expectations, true).failed, 1);
  });

  it("fails when a spec that nobody has explained does not pass", () => {
    const { failed, lines } = judge(report({ a: "passed", b: "passed", d: "skipped" }), expectations, true);
    assert.equal(failed, 1);
    assert.match(lines.join(), /no reason is known: d/);
  });

  it("grows by what passes for the first time", () => {
    const { failed, lines } = judge(report({ a: "passed", b: "passed", c: "passed" }), expectations, true);
    assert.equal(failed, 0);
    assert.match(lines.join(), /passes now.*: c/);
  });

  it("is what the plain machine passes, the nine specs about AppArmor, and OOM; no spec is on both lists", () => {
    const { mustPass, reasons } = readExpectations();
    assert.equal(mustPass.filter((name) => name.startsWith("AppArmor ")).length, 9);
    assert.ok(mustPass.some((name) => name.includes("OOMKilled")));
    assert.equal(new Set(mustPass).size, mustPass.length);
    for (const name of Object.keys(reasons)) assert.ok(!mustPass.includes(name), name);
  });
});
