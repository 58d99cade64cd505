import { inspect } from "node:util";
import pc from "picocolors";

export const createColours = () => pc.createColors(process.stdout.isTTY === true && !process.env.NO_COLOR);

/** A failed test as people need it: where, which, why. The runner's own wrapping around the error is left out. */
export function formatFailure(file: string, name: string, error: Error): string {
  const cause = error.cause ?? error;
  const told = cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause);
  const lines = told.split("\n").filter((line) => !/^\s+at .*node:internal/.test(line));
  return `✗ ${file}: ${name}\n${lines.map((line) => `    ${line}`).join("\n")}`;
}
