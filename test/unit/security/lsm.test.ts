import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { SecurityProfileProfileType } from "#cri";
import { LichenError } from "../../../src/errors.ts";
import { appArmorActive, refuseSelinuxLabels, resolveAppArmor } from "../../../src/security/lsm.ts";
import { defaultMaskedPaths, defaultReadonlyPaths, protectedPaths } from "../../../src/security/paths.ts";

const refused = (code: string) => (error: unknown) => error instanceof LichenError && error.code === code;
const asking = (profileType: SecurityProfileProfileType, localhostRef = "") => ({
  apparmor: { profileType, localhostRef },
  apparmorProfile: "",
});

test("AppArmor: default and unconfined need no AppArmor", () => {
  assert.equal(resolveAppArmor(asking(SecurityProfileProfileType.RuntimeDefault), false), undefined);
  assert.equal(resolveAppArmor(asking(SecurityProfileProfileType.Unconfined), false), undefined);
  for (const apparmorProfile of ["", "runtime/default", "unconfined"]) {
    assert.equal(resolveAppArmor({ apparmor: null, apparmorProfile }, false), undefined);
  }
});

test("AppArmor: a named profile is taken where AppArmor is active and refused where it is not", () => {
  const named = asking(SecurityProfileProfileType.Localhost, "web");
  assert.equal(resolveAppArmor(named, true), "web");
  assert.throws(() => resolveAppArmor(named, false), refused("FAILED_PRECONDITION"));
  const old = { apparmor: null, apparmorProfile: "localhost/web" };
  assert.equal(resolveAppArmor(old, true), "web");
  assert.throws(() => resolveAppArmor({ ...old, apparmorProfile: "web" }, true), refused("INVALID_ARGUMENT"));
});

test("AppArmor: the profile's name comes with the deprecated field's prefix or without, and must be one", () => {
  const localhost = (name: string) =>
    resolveAppArmor(asking(SecurityProfileProfileType.Localhost, name), true);
  assert.equal(localhost("localhost/web"), "web");
  assert.equal(localhost("localhost/localhost/web"), "localhost/web");
  for (const nothing of ["", "localhost/", "a\nb"])
    assert.throws(() => localhost(nothing), refused("INVALID_ARGUMENT"));
});

test("AppArmor: the structured field outdoes the deprecated one", () => {
  const both = { ...asking(SecurityProfileProfileType.Localhost, "web"), apparmorProfile: "localhost/other" };
  assert.equal(resolveAppArmor(both, true), "web");
  const off = { ...asking(SecurityProfileProfileType.Unconfined), apparmorProfile: "localhost/other" };
  assert.equal(resolveAppArmor(off, true), undefined);
});

test("SELinux: no label passes, any label is refused", () => {
  refuseSelinuxLabels(null);
  refuseSelinuxLabels({ user: "", role: "", type: "", level: "" });
  assert.throws(
    () => refuseSelinuxLabels({ user: "", role: "", type: "", level: "s0:c1" }),
    refused("FAILED_PRECONDITION"),
  );
});

test("AppArmor is active where a process has a label, which takes no securityfs", () => {
  const folder = mkdtempSync(join(tmpdir(), "lichen-lsm-"));
  const label = join(folder, "current");
  assert.equal(appArmorActive(label), false);
  writeFileSync(label, "");
  assert.equal(appArmorActive(label), false);
  writeFileSync(label, "unconfined\n");
  assert.equal(appArmorActive(label), true);
  rmSync(folder, { recursive: true });
});

test("protected paths: defaults for an empty list, none when privileged, else what is asked for", () => {
  const none = { privileged: false, maskedPaths: [], readonlyPaths: [] };
  assert.deepEqual(protectedPaths(none), {
    maskedPaths: [...defaultMaskedPaths],
    readonlyPaths: [...defaultReadonlyPaths],
  });
  const asked = { privileged: false, maskedPaths: ["/bin/ls"], readonlyPaths: ["/tmp"] };
  assert.deepEqual(protectedPaths(asked), { maskedPaths: ["/bin/ls"], readonlyPaths: ["/tmp"] });
  assert.deepEqual(protectedPaths({ ...asked, privileged: true }), { maskedPaths: [], readonlyPaths: [] });
});
