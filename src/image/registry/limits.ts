import { LichenError } from "../../errors.ts";
import type { Endpoint } from "./hosts.ts";

interface Place {
  taken: number;
  waiting: (() => void)[];
}

/**
 * How much is fetched from one registry at the same time, over all pulls and workers: a fetch uses one connection at a
 * time, so this is also the number of connections. Whoever comes first goes first.
 */
export class RegistryLimits {
  readonly #most: number;
  readonly #places = new Map<string, Place>();

  /** At most `most` at a time; 0 for no limit. */
  constructor(most: number) {
    this.#most = most === 0 ? Number.POSITIVE_INFINITY : most;
  }

  /** Does `fetch` when its turn has come. CANCELLED when `signal` is aborted before. */
  async run<T>(
    endpoints: readonly Endpoint[],
    signal: AbortSignal | undefined,
    fetch: () => Promise<T>,
  ): Promise<T> {
    const key = hostOf(endpoints);
    const place = this.#places.get(key) ?? { taken: 0, waiting: [] };
    this.#places.set(key, place);
    if (place.taken < this.#most) place.taken++;
    else await turn(place, key, signal);
    try {
      return await fetch();
    } finally {
      // Whoever is next takes over the place.
      const next = place.waiting.shift();
      if (next !== undefined) next();
      else if (--place.taken === 0) this.#places.delete(key);
    }
  }
}

/** Where a fetch begins: the address that is tried first. */
function hostOf([first]: readonly Endpoint[]): string {
  return first === undefined ? "" : new URL(first.url).host;
}

function turn(place: Place, key: string, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onTurn = () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    };
    const onAbort = () => {
      place.waiting.splice(place.waiting.indexOf(onTurn), 1);
      reject(cancelled(key));
    };
    if (signal?.aborted === true) return reject(cancelled(key));
    signal?.addEventListener("abort", onAbort, { once: true });
    place.waiting.push(onTurn);
  });
}

function cancelled(host: string): LichenError {
  return new LichenError({
    code: "CANCELLED",
    operation: "wait for a connection to",
    object: host,
    reason: "it was cancelled",
  });
}
