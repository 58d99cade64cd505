import assert from "node:assert/strict";
import { test } from "node:test";
import { findingRows } from "../../../src/cli/commands/doctor.ts";
import { conditionFindings, machineFindings, privilegeFindings } from "../../../src/cli/doctor.ts";

test("only what nothing works without is essential", () => {
  const trials = ["kernel", "userns", "overlay", "tun", "ids", "cgroup"].map((id) => ({
    id,
    ok: false,
    detail: "",
    hint: "",
  }));
  const essential = machineFindings(trials).filter((finding) => finding.essential);
  assert.deepEqual(
    essential.map(({ what }) => what),
    ["kernel", "userns", "overlay"],
  );
});

test("conditions are shown, but for the machine's shortcomings that the trials have found already", () => {
  const condition = (type: string, status: boolean, message = "") => ({ type, status, reason: "R", message });
  const findings = conditionFindings([
    condition("RuntimeReady", true),
    condition("NetworkReady", false, "no uplink"),
    condition("lichen/SUBUID_MISSING", false),
  ]);
  assert.deepEqual(
    findings.map(({ what, ok, essential, detail }) => [what, ok, essential, detail]),
    [
      ["RuntimeReady", true, true, "R"],
      ["NetworkReady", false, false, "no uplink"],
    ],
  );
});

test("the command that mends something stands below it", () => {
  const finding = { what: "ids", ok: false, essential: false, detail: "one id", mend: "sudo usermod" };
  assert.deepEqual(findingRows([finding]), [
    ["missing", "ids", "one id"],
    ["", "", "mend: sudo usermod"],
  ]);
  assert.deepEqual(findingRows([{ ...finding, ok: true }]), [["ok", "ids", "one id"]]);
});

test("what privileged containers lack is no fault; a daemon that does not tell it has no finding", () => {
  const told = (refused: { what: string; code: string }[]) => ({
    confinement: JSON.stringify({ privileged: { note: "", refused } }),
  });
  const [found] = privilegeFindings(
    told([
      { what: "the clock", code: "EPERM" },
      { what: "kernel modules", code: "EPERM" },
    ]),
  );
  assert.deepEqual(
    [found?.ok, found?.essential, found?.detail],
    [true, false, "root of a user namespace, without the clock, kernel modules"],
  );
  assert.equal(privilegeFindings(told([]))[0]?.detail, "root of a user namespace");
  assert.deepEqual(privilegeFindings({}), []);
});
