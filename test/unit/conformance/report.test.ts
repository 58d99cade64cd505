import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseReport, shortReason } from "../../conformance/report.ts";

const spec = (State: string, text: string, message?: string) => ({
  ContainerHierarchyTexts: ["[k8s.io] Container", "runtime should support log"],
  LeafNodeType: "It",
  LeafNodeText: text,
  State,
  RunTime: 1_500_000_000,
  ...(message && { Failure: { Message: message } }),
});

const report = (specs: unknown[], extra: object = {}) =>
  JSON.stringify([{ SuiteConfig: { RandomSeed: 7 }, SpecReports: specs, ...extra }]);

describe("critest's report", () => {
  it("gives every spec that ran, named without critest's label and sorted", () => {
    const { specs, seed, troubles } = parseReport(
      report([spec("passed", "b"), spec("failed", "a", "no log")]),
    );
    assert.deepEqual(specs, [
      { name: "Container runtime should support log a", outcome: "failed", reason: "no log", seconds: 1.5 },
      { name: "Container runtime should support log b", outcome: "passed", reason: "", seconds: 1.5 },
    ]);
    assert.equal(seed, 7);
    assert.deepEqual(troubles, []);
  });

  it("leaves out what a focus or the runner's own filter kept from running", () => {
    const { specs } = parseReport(report([spec("skipped", "not in focus"), spec("pending", "unfinished")]));
    assert.deepEqual(specs, []);
  });

  it("keeps specs that skipped themselves, with what they said", () => {
    const { specs } = parseReport(report([spec("skipped", "s", "AppArmor is disabled on this host")]));
    assert.deepEqual(
      specs.map(({ outcome, reason }) => [outcome, reason]),
      [["skipped", "AppArmor is disabled on this host"]],
    );
  });

  for (const state of ["panicked", "timedout", "interrupted", "aborted"]) {
    it(`counts a spec that ended as ${state} as failed, and says so when there is no message`, () => {
      const [one] = parseReport(report([spec(state, "s")])).specs;
      assert.equal(one?.outcome, "failed");
      assert.equal(one?.reason, state);
    });
  }

  it("carries what went wrong with the run as a whole", () => {
    const setUp = { LeafNodeType: "BeforeSuite", LeafNodeText: "", State: "failed", RunTime: 0 };
    const { troubles } = parseReport(
      report([{ ...setUp, Failure: { Message: "no runtime there" } }], {
        SpecialSuiteFailureReasons: ["Suite Timeout Elapsed"],
      }),
    );
    assert.deepEqual(troubles, ["Suite Timeout Elapsed", "BeforeSuite: no runtime there"]);
  });

  it("takes suites and specs without the members that Ginkgo leaves out when they are empty", () => {
    const bare = JSON.stringify([{ SuiteConfig: { RandomSeed: 1 }, SpecReports: null }]);
    assert.deepEqual(parseReport(bare).specs, []);
  });

  it("refuses what is not such a report", () => {
    assert.throws(() => parseReport('{"suites": []}'));
    assert.throws(() => parseReport("critest: no such file"));
  });
});

describe("shortReason", () => {
  it("finds the gRPC status within Gomega's printout", () => {
    const printed = `failed to start container:
      Unexpected error:
          <*status.Error | 0xc000>:
          rpc error: code = NotFound desc = no such image
          { s: { s: { Code: 5 } } }
      occurred`;
    assert.equal(shortReason(printed), "rpc error: code = NotFound desc = no such image");
  });

  it("puts several lines into one", () => {
    assert.equal(
      shortReason("Expected\n    <string>: a\nto equal\n    <string>: b"),
      "Expected <string>: a to equal <string>: b",
    );
  });

  it("cuts a long reason, and only a long one", () => {
    assert.equal(shortReason("abcdef", 6), "abcdef");
    assert.equal(shortReason("abcdefg", 6), "abcde…");
  });
});
