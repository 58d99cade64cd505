// Runs test files with node:test, each in a process of its own, and tells what came of them as it comes.
import { relative } from "node:path";
import { run } from "node:test";
import { createColours, formatFailure } from "./reporting.ts";

export interface Totals {
  passed: number;
  failed: number;
  /** `file: test: reason` each. */
  skipped: string[];
}

export interface RunOptions {
  /** What paths are shown relative to. */
  root: string;
  /** Files at the same time. */
  concurrency: number;
  /** A file that takes longer is ended. */
  timeoutMilliseconds: number;
  /** Called with a file's path, relative to `root`, when it has come to its end. */
  onEnd?: (file: string) => void;
}

const colours = createColours();

export const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;

/** One line for what has ended. */
export function announce(passed: boolean, what: string, detail: string, milliseconds: number): void {
  const mark = passed ? colours.green("✓") : colours.red("✗");
  console.log(`${mark} ${what}: ${detail} ${colours.dim(`(${seconds(milliseconds)})`)}`);
}

/** Runs the files and adds what came of them to `totals`. */
export async function runFiles(files: string[], options: RunOptions, totals: Totals): Promise<void> {
  const { root, concurrency, timeoutMilliseconds: timeout } = options;
  if (files.length === 0) return;
  const stream = run({ files, concurrency, timeout, cwd: root, forceExit: true });
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
    options.onEnd?.(relative(root, data.file));
    const detail = `${tests} tests${skipped > 0 ? `, ${skipped} skipped` : ""}`;
    announce(data.success, relative(root, data.file), detail, data.duration_ms);
  });
  for await (const _event of stream);
}

/** The end of a run: what was skipped, the time, and as the last line `N passed, N failed`. Gives the exit status. */
export function conclude(totals: Totals, milliseconds: number): number {
  if (totals.skipped.length > 0) {
    console.log(`${totals.skipped.length} skipped:`);
    for (const reason of totals.skipped) console.log(`  ${reason}`);
  }
  console.log(`tests took ${seconds(milliseconds)}`);
  console.log(`${totals.passed} passed, ${totals.failed} failed`);
  return totals.failed === 0 ? 0 : 1;
}
