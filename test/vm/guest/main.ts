// Runs the VM's tests in the VM, as an unprivileged user in a login session:  main.ts core|whole|none [FILTER…]
// The first says how much of critest, a filter is part of a test file's path; none means all.
import { globSync } from "node:fs";
import { join } from "node:path";
import { conclude, runFiles, type Totals } from "../../support/run-files.ts";
import { critest } from "./critest.ts";

const root = join(import.meta.dirname, "../../..");
const [extent, ...filters] = process.argv.slice(2);
/** A minute of a common machine. */
const timeoutMilliseconds = 12 * 60_000;

const began = performance.now();
const totals: Totals = { passed: 0, failed: 0, skipped: [] };
/** Tests of every machine that skip most of theirs where there are no controllers. */
const borrowed = ["test/runtime/pod/update.test.ts"];
const files = [...globSync("test/vm/*.test.ts", { cwd: root }), ...borrowed]
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  .sort()
  .map((file) => join(root, file));
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
