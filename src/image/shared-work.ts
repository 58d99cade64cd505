import { LichenError } from "../errors.ts";

interface Flight<T> {
  promise: Promise<T>;
  controller: AbortController;
  members: number;
}

/**
 * Work that several callers may want at the same time and that is done once. It is aborted when the last caller has
 * given up; a caller that joined the work of another and sees it fail does it anew on its own account, since the failure
 * may have been the other's (wrong credentials).
 */
export class SharedWork<T> {
  readonly #flights = new Map<string, Flight<T>>();

  /** The work under way for a key, for those who only wait and do not count as callers. */
  get(key: string): Promise<T> | undefined {
    return this.#flights.get(key)?.promise;
  }

  /** Takes part in the work for a key, or begins it. Rejects with CANCELLED when `signal` is aborted. */
  async join(key: string, signal: AbortSignal, begin: (signal: AbortSignal) => Promise<T>): Promise<T> {
    for (;;) {
      if (signal.aborted) throw cancelled(key);
      const present = this.#flights.get(key);
      const flight = present ?? this.#begin(key, begin);
      try {
        return await this.#wait(key, flight, signal);
      } catch (error) {
        if (present === undefined || signal.aborted) throw error;
      }
    }
  }

  #begin(key: string, begin: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const flight: Flight<T> = { promise: begin(controller.signal), controller, members: 0 };
    this.#flights.set(key, flight);
    const end = () => this.#drop(key, flight);
    flight.promise.then(end, end);
    return flight;
  }

  #drop(key: string, flight: Flight<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }

  #wait(key: string, flight: Flight<T>, signal: AbortSignal): Promise<T> {
    flight.members++;
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        flight.members--;
        if (flight.members > 0) return reject(cancelled(key));
        // The last one turns off the light, and waits until everything is put away.
        this.#drop(key, flight);
        flight.controller.abort();
      };
      signal.addEventListener("abort", onAbort, { once: true });
      flight.promise
        .then(resolve, (error) => reject(signal.aborted ? cancelled(key) : error))
        .finally(() => signal.removeEventListener("abort", onAbort));
    });
  }
}

function cancelled(key: string): LichenError {
  return new LichenError({
    code: "CANCELLED",
    operation: "wait for",
    object: key,
    reason: "it was cancelled",
  });
}
