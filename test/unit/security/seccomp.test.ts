import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { SecurityProfileProfileType } from "#cri";
import { LichenError } from "../../../src/errors.ts";
import type { RuntimeSeccomp, SeccompRule } from "../../../src/oci-runtime.ts";
import { resolveSeccomp, type SeccompRequest } from "../../../src/security/seccomp.ts";
import { defaultSeccompProfile } from "../../../src/security/seccomp-default.ts";

const directory = mkdtempSync(join(tmpdir(), "lichen-seccomp-"));
after(() => rmSync(directory, { recursive: true }));

const request = (fields: Partial<SeccompRequest>): SeccompRequest => ({
  seccomp: null,
  seccompProfilePath: "",
  privileged: false,
  ...fields,
});
const profileFile = (content: unknown) => {
  const path = join(directory, `${Math.random()}.json`);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
};
const localhost = (path: string) =>
  resolveSeccomp(
    request({ seccomp: { profileType: SecurityProfileProfileType.Localhost, localhostRef: path } }),
    [],
  );
const rules = (profile: RuntimeSeccomp, call: string): SeccompRule[] =>
  (profile.syscalls ?? []).filter(({ names }) => names.includes(call));
const refused = (code: string, reason: RegExp) => (error: unknown) =>
  error instanceof LichenError && error.code === code && reason.test(error.reason);

test("nothing asked for is unconfined, and so is a privileged container whatever it asks for", () => {
  assert.equal(resolveSeccomp(request({}), []), undefined);
  const seccomp = { profileType: SecurityProfileProfileType.RuntimeDefault, localhostRef: "" };
  assert.equal(resolveSeccomp(request({ seccomp, privileged: true }), []), undefined);
});

test("the deprecated string says the same as the profile, which goes first", () => {
  assert.equal(resolveSeccomp(request({ seccompProfilePath: "unconfined" }), []), undefined);
  for (const path of ["runtime/default", "docker/default"]) {
    assert.deepEqual(resolveSeccomp(request({ seccompProfilePath: path }), []), defaultSeccompProfile([]));
  }
  const seccomp = { profileType: SecurityProfileProfileType.Unconfined, localhostRef: "" };
  assert.equal(resolveSeccomp(request({ seccomp, seccompProfilePath: "runtime/default" }), []), undefined);
  assert.throws(
    () => resolveSeccomp(request({ seccompProfilePath: "default" }), []),
    refused("INVALID_ARGUMENT", /neither/),
  );
});

test("a localhost profile is read as it is", () => {
  const profile = {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["chmod"], action: "SCMP_ACT_ERRNO" }],
  };
  assert.deepEqual(localhost(profileFile(profile)), profile);
  const path = profileFile(profile);
  assert.deepEqual(resolveSeccomp(request({ seccompProfilePath: `localhost/${path}` }), []), profile);
});

test("a localhost profile that is wrong is refused with the place of the fault", () => {
  assert.throws(() => localhost("profile.json"), refused("INVALID_ARGUMENT", /absolute/));
  assert.throws(() => localhost(join(directory, "missing")), refused("FAILED_PRECONDITION", /ENOENT/));
  assert.throws(() => localhost(profileFile("{")), refused("FAILED_PRECONDITION", /JSON/));
  assert.throws(() => localhost(profileFile([])), refused("INVALID_ARGUMENT", /not a JSON object/));
  assert.throws(() => localhost(profileFile({})), refused("INVALID_ARGUMENT", /defaultAction is missing/));
  const rule = { names: ["chmod"], action: "SCMP_ACT_NOTIFY" };
  assert.throws(
    () => localhost(profileFile({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [rule] })),
    refused("INVALID_ARGUMENT", /syscalls\[0\]\.action is "SCMP_ACT_NOTIFY"/),
  );
  assert.throws(
    () => localhost(profileFile({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names: "chmod" }] })),
    refused("INVALID_ARGUMENT", /names is not a list/),
  );
});

test("the default refuses what it does not name, and names each call once per rule", () => {
  const profile = defaultSeccompProfile([], "x64");
  assert.equal(profile.defaultAction, "SCMP_ACT_ERRNO");
  for (const call of ["keyctl", "io_uring_setup", "userfaultfd", "mount", "unshare", "bpf", "reboot"]) {
    assert.deepEqual(rules(profile, call), [], call);
  }
  for (const { names } of profile.syscalls ?? []) assert.equal(new Set(names).size, names.length);
  assert.ok((profile.syscalls ?? []).every(({ names }) => names.every((name) => /^[a-z0-9_]+$/.test(name))));
});

test("without CAP_SYS_ADMIN clone makes no namespaces and clone3 is as if it did not exist", () => {
  const profile = defaultSeccompProfile(["CAP_CHOWN"], "x64");
  const [clone] = rules(profile, "clone");
  assert.deepEqual(clone?.args, [{ index: 0, value: 0x7e020000, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }]);
  const [clone3] = rules(profile, "clone3");
  assert.equal(clone3?.action, "SCMP_ACT_ERRNO");
  assert.equal(clone3?.errnoRet, 38);
});

test("capabilities open what they stand for", () => {
  const profile = defaultSeccompProfile(["CAP_SYS_ADMIN", "CAP_SYS_CHROOT"], "x64");
  for (const call of ["mount", "clone", "clone3", "sethostname", "chroot"]) {
    const found = rules(profile, call);
    assert.equal(found.length, 1, call);
    assert.equal(found[0]?.action, "SCMP_ACT_ALLOW", call);
    assert.equal(found[0]?.args, undefined, call);
  }
});

test("sockets are allowed but for AF_VSOCK", () => {
  const [socket, ...more] = rules(defaultSeccompProfile([], "x64"), "socket");
  assert.deepEqual(more, []);
  assert.deepEqual(socket?.args, [{ index: 0, value: 40, op: "SCMP_CMP_NE" }]);
});

test("architectures come with their compatible ones; an unknown one is left to the kernel's own", () => {
  assert.deepEqual(defaultSeccompProfile([], "arm64").architectures, ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]);
  assert.equal(defaultSeccompProfile([], "riscv64").architectures, undefined);
});
