/** A sample this old is replaced before it is told. */
const oldestMs = 1000;
/** One this old is told, and replaced behind the asker's back for the next. */
const agedMs = 600;
/** So many are read at a time, so that other calls get their turn between. */
const chunkSize = 32;
/** So many chunks are read at a time while somebody waits for them, each in a thread of the pool; behind everybody's back one. */
const chunksAtOnce = 2;
/** So many aged samples are replaced for each time that somebody asks: who asks often then never waits for the reading of all. */
const agedAtOnce = 2 * chunkSize;

/** What was read of a subject, and when: nanoseconds since the epoch. */
export interface Sample<U> {
  usage: U;
  at: bigint;
}

interface Kept<U> extends Sample<U> {
  /** performance.now() at the reading. */
  taken: number;
}

/**
 * Keeps what was read of subjects that somebody asks about again and again, for a second: on a node with hundreds of pods, reading
 * thousands of the kernel's files costs tens of milliseconds. Nothing is read while nobody asks.
 */
export class Sampler<S, U> {
  readonly #read: (subjects: readonly S[]) => Promise<U[]>;
  readonly #kept = new Map<string, Kept<U>>();
  readonly #reading = new Map<string, Promise<void>>();
  /** Forgotten while they were read. */
  readonly #gone = new Set<string>();

  /** `read` answers for each subject, in their order. */
  constructor(read: (subjects: readonly S[]) => Promise<U[]>) {
    this.#read = read;
  }

  /** A sample of each, at most a second old, by the keys that tell them apart; none of what is forgotten meanwhile. */
  async of(subjects: readonly (readonly [key: string, subject: S])[]): Promise<Map<string, Sample<U>>> {
    const now = performance.now();
    const age = (key: string) => now - (this.#kept.get(key)?.taken ?? Number.NEGATIVE_INFINITY);
    const old = subjects.filter(([key]) => age(key) > oldestMs);
    const aged = subjects
      .filter(([key]) => age(key) > agedMs && age(key) <= oldestMs && !this.#reading.has(key))
      .slice(0, agedAtOnce);
    // Whoever asks later waits for a failure of this, or reads anew.
    this.#refresh(aged, 1).catch(() => {});
    await this.#refresh(old, chunksAtOnce);
    const samples = subjects.map(([key]) => [key, this.#kept.get(key)] as const);
    return new Map(samples.flatMap(([key, sample]) => (sample === undefined ? [] : [[key, sample]])));
  }

  /** The subject is gone. */
  forget(key: string): void {
    this.#kept.delete(key);
    if (this.#reading.has(key)) this.#gone.add(key);
  }

  /** Reads what nobody reads already, `atOnce` chunks at a time, and waits for the rest. */
  async #refresh(subjects: readonly (readonly [key: string, subject: S])[], atOnce: number): Promise<void> {
    const waiting = subjects.flatMap(([key]) => this.#reading.get(key) ?? []);
    const own = subjects.filter(([key]) => !this.#reading.has(key));
    const lanes: Promise<unknown>[] = new Array(atOnce).fill(Promise.resolve());
    for (let at = 0; at < own.length; at += chunkSize) {
      const chunk = own.slice(at, at + chunkSize);
      const reading = lanes.shift()!.then(() => this.#readChunk(chunk));
      lanes.push(reading.catch(() => {}));
      for (const [key] of chunk) this.#reading.set(key, reading);
      waiting.push(reading);
    }
    await Promise.all(waiting);
  }

  async #readChunk(chunk: readonly (readonly [key: string, subject: S])[]): Promise<void> {
    try {
      const usages = await this.#read(chunk.map(([, subject]) => subject));
      const taken = performance.now();
      const at = BigInt(Date.now()) * 1_000_000n;
      for (const [index, [key]] of chunk.entries())
        if (!this.#gone.has(key)) this.#kept.set(key, { usage: usages[index]!, at, taken });
    } finally {
      for (const [key] of chunk) {
        this.#reading.delete(key);
        this.#gone.delete(key);
      }
    }
  }
}
