import { withinTime } from "./timer.ts";

/** Lets operations wait for a container to end. */
export class Exits {
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #held = new Map<string, (() => void)[]>();

  /**
   * Runs `work`, which starts a container: an exit that is reported meanwhile is `told` only afterwards, since a failed start says better
   * than the exit why the container ended.
   */
  async whileStarting<T>(containerId: string, work: () => Promise<T>): Promise<T> {
    this.#held.set(containerId, []);
    try {
      return await work();
    } finally {
      const held = this.#held.get(containerId) ?? [];
      this.#held.delete(containerId);
      for (const tell of held) tell();
    }
  }

  /** Tells now, or after the start that is under way. */
  tellAfterStart(containerId: string, tell: () => void): void {
    const held = this.#held.get(containerId);
    if (held === undefined) tell();
    else held.push(tell);
  }

  /** Calls `ended` when the container is next said to have ended; the answer takes the listener away again. */
  subscribe(containerId: string, ended: () => void): () => void {
    const listeners = this.#listeners.get(containerId) ?? new Set();
    this.#listeners.set(containerId, listeners.add(ended));
    return () => {
      listeners.delete(ended);
      if (listeners.size === 0 && this.#listeners.get(containerId) === listeners) {
        this.#listeners.delete(containerId);
      }
    };
  }

  /** Waits for the end of a container that has not ended yet, for at most `milliseconds`; false when the time is over first. */
  async waitFor(containerId: string, milliseconds: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<true>();
    const unsubscribe = this.subscribe(containerId, () => resolve(true));
    try {
      return (await withinTime(promise, milliseconds)) ?? false;
    } finally {
      unsubscribe();
    }
  }

  /** The container has ended, or is gone altogether. */
  notify(containerId: string): void {
    const listeners = this.#listeners.get(containerId);
    this.#listeners.delete(containerId);
    for (const ended of listeners ?? []) ended();
  }
}
