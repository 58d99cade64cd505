import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { SecurityProfileProfileType } from "#cri";
import { LichenError } from "../../../src/errors.ts";
import { appArmorActive, resolveAppArmor } from "../../../src/security/lsm.ts";
import { defaultMaskedPaths, defaultReadonlyPaths, protectedPaths } from "../../../src/security/paths.ts";

const refused = (code: string) => (error: unknown) => error instanceof LichenError && error.code === code;
const nothing = { apparmor: null, apparmorProfile: "", privileged: false };
const asking = (profileType: SecurityProfileProfileType, localhostRef = "") => ({
  ...nothing,
  apparmor: { profileType, localhostRef },
});

test("AppArmor: default and unconfined need no AppArmor", () => {
  assert.deepEqual(resolveAppArmor(asking(SecurityProfileProfileType.RuntimeDefault), false), {});
  assert.deepEqual(resolveAppArmor(asking(SecurityProfileProfileType.Unconfined), false), {});
  for (const apparmorProfile of ["", "runtime/default", "unconfined"]) {
    assert.deepEqual(resolveAppArmor({ ...nothing, apparmorProfile }, false), {});
  }
});

test("AppArmor: the default, asked for or not, is lichen's own profile if it is loaded; not for privileged containers", () => {
  const usual = { apparmorDefault: "lichen-default" };
  const defaults = [
    nothing,
    { ...nothing, apparmorProfile: "runtime/default" },
    asking(SecurityProfileProfileType.RuntimeDefault),
  ];
  for (const request of defaults) {
    assert.deepEqual(resolveAppArmor(request, true), usual);
    assert.deepEqual(resolveAppArmor({ ...request, privileged: true }, true), {});
  }
  assert.deepEqual(resolveAppArmor(asking(SecurityProfileProfileType.Unconfined), true), {});
  assert.deepEqual(resolveAppArmor({ ...nothing, apparmorProfile: "unconfined" }, true), {});
});

test("AppArmor: a named profile is taken where AppArmor is active and refused where it is not", () => {
  const named = asking(SecurityProfileProfileType.Localhost, "web");
  const web = { apparmorProfile: "web" };
  assert.deepEqual(resolveAppArmor(named, true), web);
  assert.deepEqual(resolveAppArmor({ ...named, privileged: true }, true), web);
  assert.throws(() => resolveAppArmor(named, false), refused("FAILED_PRECONDITION"));
  const old = { ...nothing, apparmorProfile: "localhost/web" };
  assert.deepEqual(resolveAppArmor(old, true), web);
  assert.throws(() => resolveAppArmor({ ...old, apparmorProfile: "web" }, true), refused("INVALID_ARGUMENT"));
  // Not the default, though it is called so: it must be loaded.
  const own = asking(SecurityProfileProfileType.Localhost, "lichen-default");
  assert.deepEqual(resolveAppArmor(own, true), { apparmorProfile: "lichen-default" });
});

test("AppArmor: the profile's name comes with the deprecated field's prefix or without, and must be one", () => {
  const localhost = (name: string) =>
    resolveAppArmor(asking(SecurityProfileProfileType.Localhost, name), true).apparmorProfile;
  assert.equal(localhost("localhost/web"), "web");
  assert.equal(localhost("localhost/localhost/web"), "localhost/web");
  for (const none of ["", "localhost/", "a\nb"])
    assert.throws(() => localhost(none), refused("INVALID_ARGUMENT"));
});

test("AppArmor: the structured field outdoes the deprecated one", () => {
  const both = { ...asking(SecurityProfileProfileType.Localhost, "web"), apparmorProfile: "localhost/other" };
  assert.deepEqual(resolveAppArmor(both, true), { apparmorProfile: "web" });
  const off = { ...asking(SecurityProfileProfileType.Unconfined), apparmorProfile: "localhost/other" };
  assert.deepEqual(resolveAppArmor(off, true), {});
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
