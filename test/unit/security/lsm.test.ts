import assert from "node:assert/strict";
import { test } from "node:test";
import { SecurityProfileProfileType } from "#cri";
import { LichenError } from "../../../src/errors.ts";
import { activeSecurityModules, refuseSelinuxLabels, resolveAppArmor } from "../../../src/security/lsm.ts";
import { defaultMaskedPaths, defaultReadonlyPaths, protectedPaths } from "../../../src/security/paths.ts";

const refused = (code: string) => (error: unknown) => error instanceof LichenError && error.code === code;
const asking = (profileType: SecurityProfileProfileType, localhostRef = "") => ({
  apparmor: { profileType, localhostRef },
  apparmorProfile: "",
  privileged: false,
});

test("AppArmor: default and unconfined need no AppArmor", () => {
  assert.equal(resolveAppArmor(asking(SecurityProfileProfileType.RuntimeDefault), []), undefined);
  assert.equal(resolveAppArmor(asking(SecurityProfileProfileType.Unconfined), []), undefined);
  for (const apparmorProfile of ["", "runtime/default", "unconfined"]) {
    assert.equal(resolveAppArmor({ apparmor: null, apparmorProfile, privileged: false }, []), undefined);
  }
});

test("AppArmor: a named profile is taken where AppArmor is active and refused where it is not", () => {
  const named = asking(SecurityProfileProfileType.Localhost, "web");
  assert.equal(resolveAppArmor(named, ["capability", "apparmor"]), "web");
  assert.throws(() => resolveAppArmor(named, ["capability"]), refused("FAILED_PRECONDITION"));
  const old = { apparmor: null, apparmorProfile: "localhost/web", privileged: false };
  assert.equal(resolveAppArmor(old, ["apparmor"]), "web");
  assert.throws(
    () => resolveAppArmor({ ...old, apparmorProfile: "web" }, ["apparmor"]),
    refused("INVALID_ARGUMENT"),
  );
});

test("SELinux: no label passes, any label is refused", () => {
  refuseSelinuxLabels(null);
  refuseSelinuxLabels({ user: "", role: "", type: "", level: "" });
  assert.throws(
    () => refuseSelinuxLabels({ user: "", role: "", type: "", level: "s0:c1" }),
    refused("FAILED_PRECONDITION"),
  );
});

test("the active modules are those of securityfs, or none", () => {
  assert.deepEqual(activeSecurityModules("/nowhere"), []);
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
