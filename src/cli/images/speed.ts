/** Speeds are those of the last seconds: a stall shows, and a fast start is soon forgotten. */
const windowMs = 3000;

/** Before this nobody can tell: the first bytes come slowly. */
const leastMs = 700;

/** The speed of something that grows. */
export class Speed {
  readonly #samples: { at: number; bytes: number }[] = [];

  /** Notes that there were `bytes` at the time `at`, milliseconds. */
  note(bytes: number, at: number): void {
    this.#samples.push({ at, bytes });
    while (this.#samples.length > 2 && at - (this.#samples[1]?.at ?? at) >= windowMs) this.#samples.shift();
  }

  /** Bytes per second; undefined as long as nobody can tell. */
  get perSecond(): number | undefined {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.at - first.at < leastMs) return undefined;
    return ((last.bytes - first.bytes) * 1000) / (last.at - first.at);
  }
}
