// What critest's report says. The form is Ginkgo's JSON report (--json-report): a list of suites with a record for every spec.
import { z } from "zod";

const suite = z.object({
  SuiteConfig: z.object({ RandomSeed: z.number() }),
  SpecialSuiteFailureReasons: z.array(z.string()).nullish(),
  SpecReports: z
    .array(
      z.object({
        ContainerHierarchyTexts: z.array(z.string()).nullish(),
        LeafNodeType: z.string(),
        LeafNodeText: z.string(),
        State: z.string(),
        /** Nanoseconds. */
        RunTime: z.number(),
        Failure: z.object({ Message: z.string() }).nullish(),
      }),
    )
    .nullish(),
});

export type Outcome = "passed" | "failed" | "skipped";

/** One spec that was run, or that skipped itself. */
export interface Spec {
  /** The texts of all its containers and its own, as one line. */
  name: string;
  outcome: Outcome;
  /** What a failed or skipped spec says; empty for one that passed. */
  reason: string;
  seconds: number;
}

export interface Report {
  specs: Spec[];
  /** Why the run as a whole is no good: a time limit, an interruption, a failed set-up. */
  troubles: string[];
  /** Gives the same order of specs again. */
  seed: number;
}

/** Everything but these two, for Ginkgo also panicked, timedout, interrupted and aborted, is a failure. */
const outcomes: Record<string, Outcome> = { passed: "passed", skipped: "skipped" };

/** The label that critest puts before each of its containers. */
const label = /^\[k8s\.io\] /;

/**
 * Reads a report. Specs that the run was told to leave out (a focus, the benchmarks) are in Ginkgo's report as skipped without a
 * reason; they are left out here. Throws when the text is not such a report.
 */
export function parseReport(text: string): Report {
  const suites = z.array(suite).parse(JSON.parse(text));
  const nodes = suites.flatMap((one) => one.SpecReports ?? []);
  const specs = nodes
    .filter((node) => node.LeafNodeType === "It" && node.State !== "pending")
    .filter((node) => node.State !== "skipped" || node.Failure?.Message)
    .map((node) => ({
      name: [...(node.ContainerHierarchyTexts ?? []), node.LeafNodeText].join(" ").replace(label, ""),
      outcome: outcomes[node.State] ?? "failed",
      reason: node.Failure?.Message ?? (outcomes[node.State] ? "" : node.State),
      seconds: node.RunTime / 1e9,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const setUp = nodes
    .filter((node) => node.LeafNodeType !== "It" && node.State !== "passed" && node.State !== "skipped")
    .map((node) => `${node.LeafNodeType}: ${node.Failure?.Message ?? node.State}`);
  return {
    specs,
    troubles: [...suites.flatMap((one) => one.SpecialSuiteFailureReasons ?? []), ...setUp],
    seed: suites[0]?.SuiteConfig.RandomSeed ?? 0,
  };
}

/**
 * The telling part of a failure, at most `length` characters on one line. Gomega prints a gRPC error as a tree of fields with the
 * status somewhere inside; what people want is its code and message.
 */
export function shortReason(reason: string, length = 160): string {
  const status = /rpc error: code = .*/.exec(reason)?.[0];
  const text = (status ?? reason).replace(/\s+/g, " ").trim();
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
