// Every test that needs no more than an unprivileged user: the C++ core's (under ASan and UBSan), the unit tests, and the runtime
// tests, which drive the real daemon. Arguments choose: `native`, `unit`, `runtime`, or any part of a test file's path.
// The last line is the total, `N passed, N failed`; what was skipped is listed with its reason. Exit status 1 when anything failed, or when
// anything of the run is left on the machine at its end.
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { announce, conclude, runFiles, type Totals } from "../test/support/run-files.ts";
import { RunPlace } from "../test/support/run-place.ts";

const root = join(import.meta.dirname, "..");
const filters = process.argv.slice(2);
const place = new RunPlace();
/** A test file that hangs is ended after this long; the slowest takes a fifth of it. */
const fileTimeoutMilliseconds = process.env.LICHEN_LONG_TESTS === "1" ? 4 * 3_600_000 : 120_000;

function chosen(kind: string, path: string): boolean {
  return filters.length === 0 || filters.some((filter) => filter === kind || path.includes(filter));
}

/** The doctest executable: one process, its summary line read for the counts, `MESSAGE: skip: …` for what could not run. */
async function native(totals: Totals): Promise<void> {
  if (!chosen("native", "build/Release/native-tests")) return;
  const began = performance.now();
  const child = spawn(join(root, "build/Release/native-tests"), ["--no-colors"], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: fileTimeoutMilliseconds,
    killSignal: "SIGABRT",
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += String(text)));
  const status = await new Promise<number | string | null>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) => resolve(signal ?? code));
  });
  const [, passed = "0", failed = "0"] =
    /test cases:\s+\d+ \|\s+(\d+) passed \|\s+(\d+) failed/.exec(output) ?? [];
  const skipped = [...output.matchAll(/MESSAGE: skip(?:ped)?: (.*)/g)].map(
    ([, reason]) => `native: ${reason}`,
  );
  // A sanitizer's report or a crash ends the process without a failed test case of its own.
  const failures = Number(failed) || (status === 0 ? 0 : 1);
  if (failures > 0) console.log(`${output}\nnative-tests ended with ${status}`);
  announce(
    failures === 0,
    "native tests (C++, ASan and UBSan)",
    `${passed} tests`,
    performance.now() - began,
  );
  place.ended("the native tests");
  totals.passed += Number(passed) - skipped.length;
  totals.failed += failures;
  totals.skipped.push(...skipped);
}

/** Test files of one kind, `concurrency` of them at a time. */
async function typescript(kind: "unit" | "runtime", concurrency: number, totals: Totals): Promise<void> {
  const files = globSync(`test/${kind}/**/*.test.ts`, { cwd: root })
    .filter((file) => chosen(kind, file))
    .sort()
    .map((file) => join(root, file));
  const onEnd = concurrency === 1 ? (file: string) => place.ended(file) : () => {};
  await runFiles(files, { root, concurrency, timeoutMilliseconds: fileTimeoutMilliseconds, onEnd }, totals);
}

/** What tests and lichen left behind on the machine: a failure. */
async function leaks(totals: Totals): Promise<void> {
  const found = await place.leaks();
  if (found.length === 0) return;
  console.log(`the tests left ${found.length} behind:\n  ${found.join("\n  ")}`);
  totals.failed++;
}

// Node reads this file in a thread of its own, which opens and closes a descriptor while tests count theirs. Tests bring their own certificates.
delete process.env.NODE_EXTRA_CA_CERTS;
if (process.env.LICHEN_TEST_KEEP) console.log(`temporary files: ${place.directory}`);
else process.once("exit", () => place.remove());
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

const began = performance.now();
const totals: Totals = { passed: 0, failed: 0, skipped: [] };
await native(totals);
await typescript("unit", 2, totals);
await typescript("runtime", 1, totals);
if (!process.env.LICHEN_TEST_KEEP) await leaks(totals);

if (totals.passed + totals.failed + totals.skipped.length === 0) {
  console.log(`no test is called ${filters.join(" or ")}`);
  totals.failed = 1;
}
process.exit(conclude(totals, performance.now() - began));
