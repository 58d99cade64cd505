import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { SELinuxOption } from "#cri";
import { LichenError } from "../../../src/errors.ts";
import {
  checkSelinuxContext,
  checkSelinuxFileContext,
  selinuxContext,
} from "../../../src/native/security.ts";
import { selinuxContextOf, selinuxEnforcing, selinuxLabels } from "../../../src/security/selinux.ts";

const own = "unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023";
const nothing: SELinuxOption = { user: "", role: "", type: "", level: "" };
const asking = (options: Partial<SELinuxOption>) => ({ ...nothing, ...options });
const refused = (code: string, words: RegExp) => (error: unknown) =>
  error instanceof LichenError && error.code === code && words.test(error.message);

/** A policy that has these types, and takes note of what it was asked. */
function policyWith(...types: string[]) {
  const asked: string[] = [];
  const check = (context: string) => {
    asked.push(context);
    if (types.includes(context.split(":")[2]!)) return;
    throw new LichenError({
      code: "FAILED_PRECONDITION",
      operation: "ask",
      object: context,
      reason: "no such",
    });
  };
  return { asked, checkProcess: check, checkFile: check };
}

test("no label is asked for: nothing is, with SELinux or without", () => {
  const policy = policyWith();
  for (const options of [null, nothing])
    for (const context of ["", own]) assert.deepEqual(selinuxLabels(options, context, policy), {});
  assert.deepEqual(policy.asked, []);
});

test("any part of a label is refused without SELinux, with the reason", () => {
  for (const options of [{ user: "x" }, { role: "x" }, { type: "x" }, { level: "x" }]) {
    assert.throws(
      () => selinuxLabels(asking(options), ""),
      refused("FAILED_PRECONDITION", /apply SELinux label x: SELinux is not active on this node/),
    );
  }
});

test("what is not asked for is as in lichen's own context; files have the role of objects and one level", () => {
  const policy = policyWith("unconfined_t", "container_t", "container_file_t");
  const labels = (options: Partial<SELinuxOption>, from = own) =>
    selinuxLabels(asking(options), from, policy);
  assert.deepEqual(labels({ type: "container_t", level: "s0:c1,c2" }), {
    process: "unconfined_u:unconfined_r:container_t:s0:c1,c2",
    files: "unconfined_u:object_r:container_file_t:s0:c1,c2",
  });
  assert.deepEqual(labels({ level: "s0:c5-s0:c5.c9" }), {
    process: "unconfined_u:unconfined_r:unconfined_t:s0:c5-s0:c5.c9",
    files: "unconfined_u:object_r:container_file_t:s0:c5",
  });
  assert.deepEqual(labels({ user: "system_u", role: "system_r" }), {
    process: "system_u:system_r:unconfined_t:s0-s0:c0.c1023",
    files: "system_u:object_r:container_file_t:s0",
  });
  // A policy without levels.
  assert.deepEqual(labels({ type: "container_t" }, "u:r:t"), {
    process: "u:r:container_t",
    files: "u:object_r:container_file_t",
  });
});

test("a policy that knows no files of containers leaves them as they are", () => {
  assert.deepEqual(selinuxLabels(asking({ type: "container_t" }), own, policyWith("container_t")), {
    process: "unconfined_u:unconfined_r:container_t:s0-s0:c0.c1023",
  });
});

test("what the policy refuses is refused", () => {
  assert.throws(
    () => selinuxLabels(asking({ type: "none_t" }), own, policyWith("container_file_t")),
    refused("FAILED_PRECONDITION", /none_t/),
  );
});

test("what can be no part of a context is refused before the policy is asked", () => {
  const policy = policyWith();
  for (const part of ["user", "role", "type"] as const)
    for (const value of ["a:b", "a b", "a\n", "a\0", "a,b", "ä"]) {
      assert.throws(
        () => selinuxLabels(asking({ [part]: value }), own, policy),
        refused("INVALID_ARGUMENT", new RegExp(part)),
      );
    }
  for (const level of ["s0 c1", "s0\n", "s0;c1", "s0\0"])
    assert.throws(() => selinuxLabels(asking({ level }), own, policy), refused("INVALID_ARGUMENT", /level/));
  assert.deepEqual(policy.asked, []);
});

test("the mode is selinuxfs's, where that is to be seen", () => {
  const folder = mkdtempSync(join(tmpdir(), "lichen-selinux-"));
  const file = join(folder, "enforce");
  assert.equal(selinuxEnforcing(file), undefined);
  for (const [content, enforcing] of [
    ["1", true],
    ["0", false],
  ] as const) {
    writeFileSync(file, content);
    assert.equal(selinuxEnforcing(file), enforcing);
  }
  rmSync(folder, { recursive: true });
});

test("the kernel is asked: without SELinux it has no context at all, with it the own one", () => {
  const context = selinuxContext();
  assert.equal(selinuxContextOf(0), "");
  if (context === "") {
    for (const check of [checkSelinuxContext, checkSelinuxFileContext])
      assert.throws(() => check("system_u:system_r:container_t:s0"), LichenError);
    return;
  }
  assert.equal(selinuxContextOf(process.pid), context);
  checkSelinuxContext(context);
  assert.throws(
    () => checkSelinuxContext("no:such:context"),
    refused("FAILED_PRECONDITION", /no such context/),
  );
});
