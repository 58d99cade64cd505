import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { LichenError } from "../errors.ts";
import { text } from "../quiet-files.ts";

/** One file of the kernel to be written. */
export interface FileWrite {
  path: string;
  value: string;
  /** What was asked for, in CRI's words. */
  asked: string;
}

/** A file as it was before. */
interface Before {
  path: string;
  value: string;
  /** What an empty `value` amounted to: a set of CPUs or memory nodes cannot be made empty again while processes are in it. */
  effective: string;
}

/**
 * Writes all of them, or leaves everything as it was: each file's present value is read before anything is written, and what was written is
 * taken back when a later one fails. INVALID_ARGUMENT for a value that the kernel refuses.
 */
export function writeAll(writes: readonly FileWrite[]): void {
  const pairs = writes.map((write) => ({ write, before: read(write) }));
  // Those that may be impossible to take back come last.
  const isFinal = ({ before }: (typeof pairs)[number]) =>
    Number(before.value.trim() === "" && before.effective !== "");
  pairs.sort((one, other) => isFinal(one) - isFinal(other));
  const done: Before[] = [];
  for (const { write, before } of pairs) {
    try {
      // Noted first: a write that fails may have changed a part of a file of several lines.
      done.unshift({ ...before, value: restoring(before.value, write) });
      writeFileSync(write.path, write.value);
    } catch (error) {
      const lost = done.flatMap(takeBack);
      throw failure(write, `writing ${JSON.stringify(write.value)}`, error, lost);
    }
  }
}

function read(write: FileWrite): Before {
  try {
    const value = readFileSync(write.path, "utf8");
    return { path: write.path, value, effective: text(`${write.path}.effective`).trim() };
  } catch (error) {
    throw failure(write, "reading", error, []);
  }
}

/** The names of files that could not be given their value of before. */
function takeBack({ path, value, effective }: Before): string[] {
  const written = (line: string) =>
    line === ""
      ? succeeds(() => writeFileSync(path, "\n")) || succeeds(() => writeFileSync(path, effective || "\n"))
      : succeeds(() => writeFileSync(path, line));
  const failed = value
    .split("\n")
    .filter((line, index) => line !== "" || index === 0)
    .filter((line) => !written(line));
  return failed.length === 0 ? [] : [path];
}

function succeeds(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}

/** In files with a line a device (io.max), a device that had no line before had the default for everything. */
function restoring(before: string, { path, value }: FileWrite): string {
  if (!["io.max", "io.weight", "io.latency"].includes(basename(path))) return before;
  const known = new Set(before.split("\n").map((line) => line.split(" ")[0]));
  const added = value
    .split("\n")
    .map((line) => line.split(" "))
    .filter(
      ([device = "", ...limits]) => /^\d+:\d+$/.test(device) && limits.length > 0 && !known.has(device),
    );
  const lifted = added.map(([device, ...limits]) => {
    const keys = limits.map((limit) => limit.split("=")[0]);
    return `${device} ${limits[0]?.includes("=") ? keys.map((key) => `${key}=max`).join(" ") : "default"}`;
  });
  return [...before.split("\n").filter(Boolean), ...lifted].join("\n");
}

function failure({ path, asked }: FileWrite, what: string, error: unknown, lost: string[]): LichenError {
  const code = String((error as NodeJS.ErrnoException).code);
  const left = lost.length === 0 ? "" : `; these could not be given their old value: ${lost.join(", ")}`;
  return new LichenError({
    code: code === "EINVAL" || code === "ERANGE" ? "INVALID_ARGUMENT" : "FAILED_PRECONDITION",
    operation: `set ${asked}`,
    object: path,
    reason: `${what}: ${code}${left}`,
    cause: error,
  });
}
