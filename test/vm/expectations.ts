// Which specs of critest must pass in the VM, and why each of the rest does not.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { expectedList, readExpected } from "../conformance/expected.ts";
import type { Report } from "../conformance/report.ts";

const schema = z.object({
  /** Beyond those that must pass on a machine without AppArmor and memory controller. */
  mustPass: z.array(z.string()),
  /** Every spec that need not pass, with the reason. */
  reasons: z.record(z.string(), z.string()),
});

export interface Expectations {
  mustPass: string[];
  reasons: Record<string, string>;
}

/** The lists of the project. */
export function readExpectations(): Expectations {
  const own = schema.parse(JSON.parse(readFileSync(join(import.meta.dirname, "expected.json"), "utf8")));
  return { mustPass: [...readExpected(expectedList).mustPass, ...own.mustPass], reasons: own.reasons };
}

export interface Judgement {
  /** What to say about specs that did not pass, or did so for the first time. */
  lines: string[];
  passed: number;
  failed: number;
}

/** Compares a run to the lists. A spec on neither list is a failure unless it passed: nothing goes missing without a reason. */
export function judge({ specs }: Report, { mustPass, reasons }: Expectations, whole: boolean): Judgement {
  const outcome = new Map(specs.map((spec) => [spec.name, spec.outcome]));
  const required = new Set(mustPass);
  const broken = mustPass.filter((name) => outcome.has(name) && outcome.get(name) !== "passed");
  const vanished = whole ? mustPass.filter((name) => !outcome.has(name)) : [];
  const others = specs.filter((spec) => !required.has(spec.name));
  const unexplained = others.filter((spec) => spec.outcome !== "passed" && !(spec.name in reasons));
  const fresh = others.filter((spec) => spec.outcome === "passed");
  const failed = broken.length + vanished.length + unexplained.length;
  return {
    lines: [
      ...broken.map((name) => `must pass, and did not: ${name}`),
      ...vanished.map((name) => `must pass, and was not among the specs: ${name}`),
      ...unexplained.map(({ name }) => `did not pass, and no reason is known: ${name}`),
      ...others.flatMap(({ name, outcome }) =>
        outcome !== "passed" && name in reasons ? [`need not pass: ${name}: ${reasons[name]}`] : [],
      ),
      ...fresh.map(({ name }) => `passes now, and may be put on the list: ${name}`),
    ],
    passed: mustPass.filter((name) => outcome.get(name) === "passed").length,
    failed,
  };
}
