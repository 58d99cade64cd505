import type { Fd } from "./fd.ts";

/**
 * Compiled seccomp filters by their profile. To compile a profile takes a monitor several milliseconds, and most containers have the
 * same one: the first create brings the filter back, the later ones bring it along.
 */
export class SeccompFilters {
  readonly #limit: number;
  /** In order of their last use, the oldest first. */
  readonly #filters = new Map<string, Fd>();

  /** Keeps at most `limit` descriptors. */
  constructor(limit = 16) {
    this.#limit = limit;
  }

  /** The filter of an equal profile; it stays this cache's. */
  find(profile: object): Fd | undefined {
    const key = JSON.stringify(profile);
    const filter = this.#filters.get(key);
    if (!filter) return undefined;
    this.#filters.delete(key);
    this.#filters.set(key, filter);
    return filter;
  }

  /** Takes a filter over. */
  keep(profile: object, filter: Fd): void {
    const key = JSON.stringify(profile);
    this.#filters.get(key)?.close();
    this.#filters.delete(key);
    this.#filters.set(key, filter);
    for (const [oldest, fd] of this.#filters) {
      if (this.#filters.size <= this.#limit) break;
      this.#filters.delete(oldest);
      fd.close();
    }
  }
}
