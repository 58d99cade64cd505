import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { LichenError } from "../errors.ts";

/** One file of the kernel to be written. */
export interface FileWrite {
  path: string;
  value: string;
  /** What was asked for, in CRI's words. */
  asked: string;
}

/**
 * Writes all of them, or leaves everything as it was: each file's present value is read before anything is written, and what was written is
 * taken back when a later one fails. INVALID_ARGUMENT for a value that the kernel refuses.
 */
export function writeAll(writes: readonly FileWrite[]): void {
  const before = writes.map((write) => ({ ...write, value: read(write) }));
  const done: FileWrite[] = [];
  for (const [index, write] of writes.entries()) {
    try {
      // Noted first: a write that fails may have changed a part of a file of several lines.
      done.unshift({ ...before[index]!, value: restoring(before[index]!.value, write) });
      writeFileSync(write.path, write.value);
    } catch (error) {
      const lost = done.flatMap(takeBack);
      throw failure(write, `writing ${JSON.stringify(write.value)}`, error, lost);
    }
  }
}

function read(write: FileWrite): string {
  try {
    return readFileSync(write.path, "utf8");
  } catch (error) {
    throw failure(write, "reading", error, []);
  }
}

/** The names of files that could not be given their value of before. */
function takeBack({ path, value }: FileWrite): string[] {
  const failed = value
    .split("\n")
    .filter((line, index) => line !== "" || index === 0)
    .filter((line) => !succeeds(() => writeFileSync(path, line === "" ? "\n" : line)));
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
