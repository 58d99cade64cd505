import { stripVTControlCharacters } from "node:util";
import { colours } from "./colours.ts";

/** Cells may carry colours; their width is what a terminal shows. */
const width = (cell: string): number => stripVTControlCharacters(cell).length;

/** Lines up `rows` below `header`, two spaces between columns and none at a line's end. */
export function table(header: string[], rows: string[][]): string {
  const widths = header.map((title, column) =>
    Math.max(width(title), ...rows.map((row) => width(row[column] ?? ""))),
  );
  const line = (cells: string[]): string =>
    cells
      .map((cell, column) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - width(cell))))
      .join("  ")
      .trimEnd();
  const lines = [line(header.map((title) => colours.bold(title))), ...rows.map(line)];
  return lines.map((text) => `${text}\n`).join("");
}

/** Whole ids, a line each, for other commands to take. */
export function printIds(items: readonly { id: string }[]): void {
  process.stdout.write(items.map(({ id }) => `${id}\n`).join(""));
}

/** JSON for programs: bytes as base64 and bigint as a decimal string, as in the JSON form of protobuf. */
export function json(value: unknown): string {
  function replace(this: unknown, key: string, item: unknown): unknown {
    // A Buffer has turned itself into an object already; its holder still has the bytes.
    const original = (this as Record<string, unknown>)[key];
    if (original instanceof Uint8Array) return Buffer.from(original).toString("base64");
    return typeof item === "bigint" ? item.toString() : item;
  }
  return `${JSON.stringify(value, replace, 2)}\n`;
}

/** What a state looks like at a glance. */
export function colouredState(state: string): string {
  if (state === "running" || state === "ready") return colours.green(state);
  if (state === "created") return colours.yellow(state);
  return colours.dim(state);
}
