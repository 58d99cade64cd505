// What a run prints when it is over.
import type { Comparison } from "./expected.ts";
import { type Outcome, type Report, shortReason } from "./report.ts";

function count({ specs }: Report, outcome: Outcome): number {
  return specs.filter((spec) => spec.outcome === outcome).length;
}

/** Every spec that did not pass, with its reason; failures first. */
export function notPassed(report: Report): string[] {
  const rows = report.specs.filter((spec) => spec.outcome !== "passed");
  return rows
    .toSorted((a, b) => a.outcome.localeCompare(b.outcome))
    .flatMap((spec) => [`${spec.outcome.padEnd(7)}  ${spec.name}`, `         ${shortReason(spec.reason)}`]);
}

/** What to say about a comparison; empty when the run is as expected. */
export function findings({ broken, vanished, fresh }: Comparison): string[] {
  const list = (title: string, names: string[]) =>
    names.length > 0 ? [title, ...names.map((name) => `  ${name}`)] : [];
  return [
    ...list("must pass, and did not:", broken),
    ...list("must pass, and was not among the specs:", vanished),
    ...list("passes now, and may be put on the list with `npm run conformance -- --update`:", fresh),
  ];
}

/** `must pass: 94 passed, 0 failed` */
export function verdict({ held, broken, vanished }: Comparison): string {
  return `must pass: ${held.length} passed, ${broken.length + vanished.length} failed`;
}

/** The last line: `critest: 103 passed, 2 failed, 12 skipped` */
export function totals(report: Report): string {
  const [passed, failed, skipped] = (["passed", "failed", "skipped"] as const).map((outcome) =>
    count(report, outcome),
  );
  return `critest: ${passed} passed, ${failed} failed, ${skipped} skipped`;
}
