/**
 * A sample this old is replaced before it is told: a second, and on a node with many subjects so much more that reading them all again and
 * again takes no more than about a hundredth of a processor; never more than ten seconds, cAdvisor's own interval.
 */
const leastOldestMs = 1000;
const mostOldestMs = 10_000;
const msForEach = 16;
/** At this part of that age a sample is told, and replaced behind the asker's back for the next. */
const aged = 0.6;
/** And by then it has been replaced. */
const renewed = 0.95;
/** So many are read at a time, so that other calls get their turn between. */
const chunkSize = 32;
/** So many chunks are read at a time while somebody waits for them, each in a thread of the pool; behind everybody's back one. */
const chunksAtOnce = 2;
/** Of more subjects than this those that age are replaced one part after the other between the asking, not all at once by it. */
const manySubjects = 2 * chunkSize;
const tickMs = 120;

/** What was read of a subject, and when: nanoseconds since the epoch. */
export interface Sample<U> {
  usage: U;
  at: bigint;
}

interface Kept<S, U> extends Sample<U> {
  subject: S;
  /** performance.now() at the reading. */
  taken: number;
}

/**
 * Keeps what was read of subjects that somebody asks about again and again: on a node with hundreds of pods, reading thousands of the
 * kernel's files costs tens of milliseconds. On such a node who asks at least every half minute, as a kubelet does, never waits for that
 * but the first time: samples are replaced before they are too old, some at a time. Nothing is read while nobody asks.
 *
 * Subjects are told apart by their keys; another object with the same key is the same thing changed, of which nothing has been read yet.
 */
export class Sampler<S extends { readonly key: string }, U> {
  readonly #read: (subjects: readonly S[]) => Promise<U[]>;
  readonly #kept = new Map<string, Kept<S, U>>();
  readonly #reading = new Map<string, Promise<void>>();
  /** Forgotten while they were read. */
  readonly #gone = new Set<string>();
  readonly #attentionMs: number;
  /** performance.now() when somebody asked last. */
  #asked = 0;
  #renewing: NodeJS.Timeout | undefined;

  /** `read` answers for each subject, in their order; so long after the last question samples are replaced unasked. */
  constructor(read: (subjects: readonly S[]) => Promise<U[]>, attentionMs = 30_000) {
    this.#read = read;
    this.#attentionMs = attentionMs;
  }

  /**
   * The samples by their subjects' keys: of each that is asked about one that is not older than the number of all allows (a second for up to
   * 62, ten at most), but none of what is forgotten meanwhile. Those of others are there as well, however old.
   */
  async of(subjects: readonly S[]): Promise<ReadonlyMap<string, Sample<U>>> {
    this.#asked = performance.now();
    const oldest = this.#oldestMs(subjects.length);
    const age = (subject: S) => {
      const kept = this.#kept.get(subject.key);
      return kept?.subject === subject ? this.#asked - kept.taken : Number.POSITIVE_INFINITY;
    };
    if (Math.max(subjects.length, this.#kept.size) > manySubjects) this.#renewLater();
    else {
      const aging = subjects.filter((subject) => age(subject) > oldest * aged && age(subject) <= oldest);
      // Whoever asks later waits for a failure of this, or reads anew.
      this.#refresh(aging, 1).catch(() => {});
    }
    await this.#refresh(
      subjects.filter((subject) => age(subject) > oldest),
      chunksAtOnce,
    );
    return this.#kept;
  }

  /** The subject is gone. */
  forget(key: string): void {
    this.#kept.delete(key);
    if (this.#reading.has(key)) this.#gone.add(key);
  }

  #oldestMs(subjects: number): number {
    const wanted = Math.max(subjects, this.#kept.size) * msForEach;
    return Math.min(Math.max(wanted, leastOldestMs), mostOldestMs);
  }

  #renewLater(): void {
    this.#renewing ??= setTimeout(() => {
      this.#renewing = undefined;
      const now = performance.now();
      if (now - this.#asked > this.#attentionMs || this.#kept.size <= manySubjects) return;
      const oldest = this.#oldestMs(0);
      // So many that all are replaced in time if they became old together, with a turn to spare.
      const turns = Math.floor(((renewed - aged) * oldest) / tickMs) - 1;
      const most = Math.ceil(this.#kept.size / turns);
      const due: S[] = [];
      for (const { subject, taken } of this.#kept.values()) {
        if (due.length === most) break;
        if (now - taken > oldest * aged && !this.#reading.has(subject.key)) due.push(subject);
      }
      this.#refresh(due, 1)
        .catch(() => {})
        .finally(() => this.#renewLater());
    }, tickMs).unref();
  }

  /** Reads what nobody reads already, `atOnce` chunks at a time, and waits for the rest. */
  async #refresh(subjects: readonly S[], atOnce: number): Promise<void> {
    if (subjects.length === 0) return;
    const waiting = subjects.flatMap(({ key }) => this.#reading.get(key) ?? []);
    const own = subjects.filter(({ key }) => !this.#reading.has(key));
    const lanes: Promise<unknown>[] = new Array(atOnce).fill(Promise.resolve());
    for (let at = 0; at < own.length; at += chunkSize) {
      const chunk = own.slice(at, at + chunkSize);
      const reading = lanes.shift()!.then(() => this.#readChunk(chunk));
      lanes.push(reading.catch(() => {}));
      for (const { key } of chunk) this.#reading.set(key, reading);
      waiting.push(reading);
    }
    await Promise.all(waiting);
  }

  async #readChunk(chunk: readonly S[]): Promise<void> {
    try {
      const usages = await this.#read(chunk);
      const taken = performance.now();
      const at = BigInt(Date.now()) * 1_000_000n;
      for (const [index, subject] of chunk.entries()) {
        const { key } = subject;
        if (!this.#gone.has(key)) this.#kept.set(key, { usage: usages[index]!, at, taken, subject });
      }
    } finally {
      for (const { key } of chunk) {
        this.#reading.delete(key);
        this.#gone.delete(key);
      }
    }
  }
}
