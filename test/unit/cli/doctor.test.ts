import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { findingRows } from "../../../src/cli/commands/doctor.ts";
import {
  conditionFindings,
  countDirectories,
  leakFindings,
  machineFindings,
} from "../../../src/cli/doctor.ts";

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

test("more directories than pods or containers are a leak", (t) => {
  const base = mkdtempSync(join(tmpdir(), "lichen-doctor-"));
  t.after(() => rmSync(base, { recursive: true }));
  const none = { podDirectories: 0, containerDirectories: 0 };
  assert.deepEqual(countDirectories(join(base, "run"), join(base, "data")), none);
  for (const directory of ["run/pods/1", "run/pods/2", "data/containers/1"]) {
    mkdirSync(join(base, directory), { recursive: true });
  }
  const found = countDirectories(join(base, "run"), join(base, "data"));
  const [pods, containers] = leakFindings({ pods: 1, containers: 1, ...found });
  assert.equal(pods?.ok, false);
  assert.equal(pods?.detail, "2 for 1 pods");
  assert.match(pods?.mend ?? "", /lichen serve/);
  assert.equal(containers?.ok, true);
});

test("the command that mends something stands below it", () => {
  const finding = { what: "ids", ok: false, essential: false, detail: "one id", mend: "sudo usermod" };
  assert.deepEqual(findingRows([finding]), [
    ["missing", "ids", "one id"],
    ["", "", "mend: sudo usermod"],
  ]);
  assert.deepEqual(findingRows([{ ...finding, ok: true }]), [["ok", "ids", "one id"]]);
});
