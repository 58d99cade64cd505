// How far a run is, from what critest prints with --ginkgo.v: a block a spec, which ends with a line like `• [0.731 seconds]`.

export interface Progress {
  total: number;
  passed: number;
  failed: number;
  skipped: number;
}

const ends: readonly [pattern: RegExp, outcome: "passed" | "failed" | "skipped"][] = [
  [/^• \[[\d.]+ seconds\]/, "passed"],
  [/^S \[SKIPPED\]/, "skipped"],
  [/^• \[/, "failed"],
];

/** Takes critest's output in pieces as they come, and calls `onChange` after every spec. */
export class ProgressReader {
  readonly progress: Progress = { total: 0, passed: 0, failed: 0, skipped: 0 };
  readonly #onChange: (progress: Progress) => void;
  #rest = "";

  constructor(onChange: (progress: Progress) => void) {
    this.#onChange = onChange;
  }

  write(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    const total = /^Will run (\d+) of \d+ specs/.exec(line)?.[1];
    if (total) this.progress.total = Number(total);
    const outcome = ends.find(([pattern]) => pattern.test(line))?.[1];
    if (!outcome) return;
    this.progress[outcome]++;
    this.#onChange(this.progress);
  }
}

/** `critest: 41 of 117, 2 failed` */
export function progressLine({ total, passed, failed, skipped }: Progress): string {
  return `critest: ${passed + failed + skipped} of ${total}${failed > 0 ? `, ${failed} failed` : ""}`;
}
