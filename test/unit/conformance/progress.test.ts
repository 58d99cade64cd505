import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Progress, ProgressReader, progressLine } from "../../conformance/progress.ts";

const output = `critest version: 1.36.0
Will run 4 of 122 specs
------------------------------
[k8s.io] Container runtime should support starting container
sigs.k8s.io/cri-tools@v1.36.0/pkg/validate/container.go:90
• [0.731 seconds]
------------------------------
[k8s.io] AppArmor should enforce a profile
S [SKIPPED] [0.002 seconds]
------------------------------
[k8s.io] Image Manager public image
• [FAILED] [0.001 seconds]
  a line of the failure: • [not an end
------------------------------
[k8s.io] Container OOM
• [TIMEDOUT] [60.000 seconds]
`;

function read(pieces: string[]): Progress[] {
  const seen: Progress[] = [];
  const reader = new ProgressReader((progress) => seen.push({ ...progress }));
  for (const piece of pieces) reader.write(piece);
  return seen;
}

const last = { total: 4, passed: 1, failed: 2, skipped: 1 };

describe("progress of critest", () => {
  it("follows one spec after another", () => {
    const seen = read([output]);
    assert.equal(seen.length, 4);
    assert.deepEqual(seen.at(-1), last);
    assert.deepEqual(seen[0], { total: 4, passed: 1, failed: 0, skipped: 0 });
  });

  it("does not depend on how the output is cut into pieces", () => {
    assert.deepEqual(read([...output]).at(-1), last);
  });

  it("is one short line, which speaks of failures only when there are any", () => {
    assert.equal(progressLine(last), "critest: 4 of 4, 2 failed");
    assert.equal(progressLine({ total: 117, passed: 40, failed: 0, skipped: 1 }), "critest: 41 of 117");
  });
});
