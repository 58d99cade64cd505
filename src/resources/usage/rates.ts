interface Sample {
  at: bigint;
  usage: bigint;
}

/** A rate is over at least this long, so that two clients who ask one after another see no noise. */
const leastSpan = 1_000_000_000n;
const second = 1_000_000_000n;

/** How much CPU each pod and container uses just now: from the times at which somebody asked before. */
export class CpuRates {
  readonly #samples = new Map<string, { before: Sample; latest: Sample }>();

  /**
   * CPU nanoseconds per second since somebody last asked, or since the start when nobody has; over a second at least.
   * `since` and `at` are nanoseconds since the epoch, `usage` is all CPU time used until `at`.
   */
  nanoCores(key: string, since: bigint, at: bigint, usage: bigint): bigint {
    const known = this.#samples.get(key);
    const now = { at, usage };
    const start = { at: since, usage: 0n };
    if (known === undefined) {
      this.#samples.set(key, { before: start, latest: now });
      return rate(start, now);
    }
    if (at - known.latest.at >= leastSpan) {
      known.before = known.latest;
      known.latest = now;
    }
    return rate(known.before, now);
  }

  /** It is gone. */
  forget(key: string): void {
    this.#samples.delete(key);
  }
}

/** Sums over processes may fall when one ends: then nothing was used as far as is known. */
function rate(from: Sample, to: Sample): bigint {
  const span = to.at - from.at;
  if (span <= 0n || to.usage <= from.usage) return 0n;
  return ((to.usage - from.usage) * second) / span;
}
