// Every test that needs no more than an unprivileged user: the C++ core's (under ASan and UBSan), the unit tests, and the runtime
// tests, which drive the real daemon. Arguments choose: `native`, `unit`, `runtime`, or any part of a test file's path.
// The last line is the total, `N passed, N failed`; what was skipped is listed with its reason. Exit status 1 when anything failed.
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { join, relative } from "node:path";
import { run } from "node:test";
import { createColours, formatFailure } from "../test/support/reporting.ts";

interface Totals {
  passed: number;
  failed: number;
  skipped: string[];
}

const root = join(import.meta.dirname, "..");
const filters = process.argv.slice(2);
const colours = createColours();
/** A test file that hangs is ended after this long; the slowest takes a fifth of it. */
const fileTimeoutMilliseconds = 120_000;

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;

function chosen(kind: string, path: string): boolean {
  return filters.length === 0 || filters.some((filter) => filter === kind || path.includes(filter));
}

function announce(passed: boolean, what: string, detail: string, milliseconds: number): void {
  const mark = passed ? colours.green("✓") : colours.red("✗");
  console.log(`${mark} ${what}: ${detail} ${colours.dim(`(${seconds(milliseconds)})`)}`);
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
  totals.passed += Number(passed) - skipped.length;
  totals.failed += failures;
  totals.skipped.push(...skipped);
}

/** Test files of one kind in processes of their own, `concurrency` of them at a time. */
async function typescript(kind: "unit" | "runtime", concurrency: number, totals: Totals): Promise<void> {
  const files = globSync(`test/${kind}/**/*.test.ts`, { cwd: root })
    .filter((file) => chosen(kind, file))
    .sort()
    .map((file) => join(root, file));
  if (files.length === 0) return;
  const stream = run({ files, concurrency, timeout: fileTimeoutMilliseconds, cwd: root, forceExit: true });
  const complaints = new Map<string, string>();
  stream.on("test:stderr", ({ file, message }) => {
    complaints.set(file, (complaints.get(file) ?? "") + message);
  });
  stream.on("test:fail", (data) => {
    // A file or suite fails because something in it did, which has been told already.
    if (data.details.error.message.includes("subtest")) return;
    console.log(formatFailure(relative(root, data.file ?? ""), data.name, data.details.error));
    // The file as a whole: it could not be loaded, or its process died; only its stderr says why.
    if (data.name === data.file) console.log(complaints.get(data.file) ?? "");
    if (data.details.type !== "suite") totals.failed++;
  });
  stream.on("test:pass", (data) => {
    if (data.skip !== undefined) {
      const reason = data.skip === true ? "no reason given" : data.skip;
      totals.skipped.push(`${relative(root, data.file ?? "")}: ${data.name}: ${reason}`);
    } else if (data.details.type !== "suite") totals.passed++;
  });
  stream.on("test:summary", (data) => {
    if (data.file === undefined) return;
    const { tests, skipped } = data.counts;
    const detail = `${tests} tests${skipped > 0 ? `, ${skipped} skipped` : ""}`;
    announce(data.success, relative(root, data.file), detail, data.duration_ms);
  });
  for await (const _event of stream);
}

const began = performance.now();
const totals: Totals = { passed: 0, failed: 0, skipped: [] };
await native(totals);
await typescript("unit", 2, totals);
await typescript("runtime", 1, totals);

if (totals.skipped.length > 0) {
  console.log(`${totals.skipped.length} skipped:`);
  for (const reason of totals.skipped) console.log(`  ${reason}`);
}
if (totals.passed + totals.failed === 0) {
  console.log(`no test is called ${filters.join(" or ")}`);
  totals.failed = 1;
}
console.log(`tests took ${seconds(performance.now() - began)}`);
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exit(totals.failed === 0 ? 0 : 1);
