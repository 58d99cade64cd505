import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { ourReport, type Report } from "./descriptors.ts";

const program = join(import.meta.dirname, "descriptors");
const hasGo = spawnSync("go", ["version"]).status === 0;

describe("the CRI contract against k8s.io/cri-api v0.37.2", {
  skip: hasGo ? false : "no program `go`",
}, () => {
  const ours = ourReport();
  let theirs: Report;

  before(() => {
    const done = spawnSync("go", ["run", "-mod=readonly", "."], { cwd: program, encoding: "utf8" });
    assert.equal(done.status, 0, done.stderr);
    theirs = JSON.parse(done.stdout);
  });

  it("compares something: 43 RPCs of two services, and all their messages", () => {
    const rpcs = Object.values(theirs.services).flatMap((service) => Object.keys(service));
    assert.equal(rpcs.length, 43);
    assert.ok(Object.keys(theirs.messages).length > 150);
  });

  for (const part of ["services", "messages", "enums"] as const) {
    it(`has the same ${part}, none more and none less`, () => {
      assert.deepEqual(Object.keys(ours[part]).sort(), Object.keys(theirs[part]).sort());
    });

    it(`has ${part} with the same members`, () => {
      for (const [name, members] of Object.entries(theirs[part])) {
        assert.deepEqual(ours[part][name], members, name);
      }
    });
  }
});
