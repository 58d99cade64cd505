// Which specs must pass, and how a run compares to that.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Report } from "./report.ts";

/** The project's list. */
export const expectedList = join(import.meta.dirname, "expected.json");

const schema = z.object({
  /** The release of critest whose specs these are. */
  critest: z.string(),
  mustPass: z.array(z.string()),
});

export type Expected = z.infer<typeof schema>;

export interface Comparison {
  /** Must pass, and did. */
  held: string[];
  /** Must pass, was run, and did not. */
  broken: string[];
  /** Must pass, and is not in the report of a whole run. */
  vanished: string[];
  /** Passed without being on the list. */
  fresh: string[];
}

export function readExpected(path: string): Expected {
  return schema.parse(JSON.parse(readFileSync(path, "utf8")));
}

/** Compares a run to the list. `whole` is false for a run with a focus, in which most specs are rightly missing. */
export function compare({ specs }: Report, { mustPass }: Expected, whole: boolean): Comparison {
  const outcome = new Map(specs.map((spec) => [spec.name, spec.outcome]));
  const listed = new Set(mustPass);
  return {
    held: mustPass.filter((name) => outcome.get(name) === "passed"),
    broken: mustPass.filter((name) => outcome.has(name) && outcome.get(name) !== "passed"),
    vanished: whole ? mustPass.filter((name) => !outcome.has(name)) : [],
    fresh: specs
      .filter((spec) => spec.outcome === "passed" && !listed.has(spec.name))
      .map(({ name }) => name),
  };
}

/** The list with what passed for the first time. It only ever grows: to take a spec off it, edit the file and say why. */
export function withFresh(expected: Expected, { fresh }: Comparison): Expected {
  return { ...expected, mustPass: [...new Set([...expected.mustPass, ...fresh])].sort() };
}

export function writeExpected(path: string, expected: Expected): void {
  writeFileSync(path, `${JSON.stringify(expected, null, 2)}\n`);
}
