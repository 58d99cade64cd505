import type { DetachedEvent } from "../../native/monitor-wire.ts";

/** Lets attached clients hear that the monitor has given them up. */
export class Attachments {
  readonly #listeners = new Map<string, () => void>();

  /** Calls `detached` when that happens to this attachment; the answer takes the listener away again. */
  subscribe(container: string, attachment: number, detached: () => void): () => void {
    const key = `${container}/${attachment}`;
    this.#listeners.set(key, detached);
    return () => void this.#listeners.delete(key);
  }

  notify({ container, attachment }: DetachedEvent): void {
    this.#listeners.get(`${container}/${attachment}`)?.();
  }
}
