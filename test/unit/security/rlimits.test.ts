import assert from "node:assert/strict";
import { test } from "node:test";
import { LichenError } from "../../../src/errors.ts";
import { containerRlimits, readContainerRlimits } from "../../../src/security/rlimits.ts";

const limits = (
  soft: string,
  hard: string,
) => `Limit                     Soft Limit           Hard Limit           Units
Max processes             100                  200                  processes
Max open files            ${soft.padEnd(21)}${hard.padEnd(21)}files
Max core file size        0                    unlimited            bytes
`;
const own = limits("4096", "4096");

test("open files are limited as the node's were before Node.js raised its own", () => {
  const starter = limits("1024", "4096");
  assert.deepEqual(containerRlimits({}, own, starter), [{ type: "RLIMIT_NOFILE", soft: 1024, hard: 4096 }]);
  assert.deepEqual(containerRlimits({}, own, limits("1024", "unlimited")), []);
});

test("what is configured is taken, with one number for both or two", () => {
  assert.deepEqual(containerRlimits({ NOFILE: "512", NPROC: "50:150", CORE: "1" }, own, own), [
    { type: "RLIMIT_NOFILE", soft: 512, hard: 512 },
    { type: "RLIMIT_NPROC", soft: 50, hard: 150 },
    { type: "RLIMIT_CORE", soft: 1, hard: 1 },
  ]);
});

test("what cannot be is refused with the reason", () => {
  const refused = (asked: Record<string, string>, code: string, reason: RegExp) =>
    assert.throws(
      () => containerRlimits(asked, own, own),
      (error: unknown) => error instanceof LichenError && error.code === code && reason.test(error.message),
    );
  refused({ NPROC: "10:201" }, "FAILED_PRECONDITION", /NPROC 10:201.*hard limit is 200/);
  refused({ NOFILE: "9:8" }, "INVALID_ARGUMENT", /soft limit is above/);
});

test("this very process has a limit of open files", () => {
  assert.ok(
    readContainerRlimits({ NOFILE: "64" }).some(({ type, soft }) => type === "RLIMIT_NOFILE" && soft === 64),
  );
});
