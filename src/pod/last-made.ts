interface Made<V> {
  parts: readonly unknown[];
  value: V;
}

/**
 * Keeps what was last made of parts for each of many things, and gives the same object again while the parts are the same: who encodes it for
 * clients that ask again and again has to do that once.
 */
export class LastMade<V extends object> {
  readonly #made = new Map<string, Made<V>>();

  /** What `make` gave when it was last called for `key`, unless one of the parts (objects, or plain values) is another now. */
  of(key: string, parts: readonly unknown[], make: () => V): V {
    const last = this.#made.get(key);
    if (last !== undefined && same(last.parts, parts)) return last.value;
    const value = make();
    this.#made.set(key, { parts, value });
    return value;
  }

  /** The thing is gone. */
  forget(key: string): void {
    this.#made.delete(key);
  }
}

function same(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((part, index) => part === other[index]);
}
