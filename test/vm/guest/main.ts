// Runs the VM's tests in the VM, as an unprivileged user in a login session:  main.ts apparmor|selinux core|whole|none [FILTER…]
// The first says which VM this is, the second how much of critest; a filter is part of a test file's path, none means all.
import { join } from "node:path";
import { conclude, runFiles, type Totals } from "../../support/run-files.ts";
import type { SecurityModule } from "../machine/boot.ts";
import { critest } from "./critest.ts";
import { testFiles } from "./files.ts";

const root = join(import.meta.dirname, "../../..");
const [security, extent, ...filters] = process.argv.slice(2);
/** A minute of a common machine. */
const timeoutMilliseconds = 12 * 60_000;

const began = performance.now();
const totals: Totals = { passed: 0, failed: 0, skipped: [] };
const files = testFiles(root, security as SecurityModule, filters).map((file) => join(root, file));
// One file at a time: they look at the user's systemd, which there is one of.
await runFiles(files, { root, concurrency: 1, timeoutMilliseconds }, totals);
if (files.length === 0 && !filters.includes("critest")) {
  console.log(`no test is called ${filters.join(" or ")}`);
  totals.failed = 1;
}
if (extent === "core" || extent === "whole") {
  const specs = await critest(extent);
  totals.passed += specs.passed;
  totals.failed += specs.failed;
}
process.exit(conclude(totals, performance.now() - began));
