type Listener = (received: number) => void;

/** How many bytes of each layer under way have come, for all who wait for it. */
export class Arrivals {
  readonly #received = new Map<string, number>();
  readonly #listeners = new Map<string, Set<Listener>>();

  /** Notes how far a layer has come. */
  note(chainId: string, received: number): void {
    this.#received.set(chainId, received);
    for (const listener of this.#listeners.get(chainId) ?? []) listener(received);
  }

  /** The layer is here, or will not come. */
  end(chainId: string): void {
    this.#received.delete(chainId);
  }

  /** Tells `listener` at once and from then on how far a layer has come, until the function it gives is called. */
  listen(chainId: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(chainId) ?? new Set();
    this.#listeners.set(chainId, listeners.add(listener));
    const received = this.#received.get(chainId);
    if (received !== undefined) listener(received);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(chainId);
    };
  }
}
