import { createHash, randomBytes } from "node:crypto";
import { LichenError } from "../errors.ts";

interface Entry<T> {
  value: T;
  expires: number;
}

/**
 * Single-use names of requests: 256 random bits each, good for `lifetime` milliseconds, `limit` of them at most.
 *
 * Entries are found by the token's SHA-256, so how long a look-up takes says nothing about how much of a guess was right.
 */
export class TokenCache<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #lifetime: number;
  readonly #limit: number;
  readonly #now: () => number;

  constructor(lifetime: number, limit: number, now: () => number = () => performance.now()) {
    this.#lifetime = lifetime;
    this.#limit = limit;
    this.#now = now;
  }

  /** Throws RESOURCE_EXHAUSTED when too many requests wait for their client. */
  insert(value: T): string {
    this.#forgetExpired();
    if (this.#entries.size >= this.#limit) {
      throw new LichenError({
        code: "RESOURCE_EXHAUSTED",
        operation: "prepare stream",
        object: "",
        reason: `${this.#limit} requests already wait for their client to connect`,
        hint: `Connect to the URLs that were given, or try again within ${Math.ceil(this.#lifetime / 1000)} s`,
      });
    }
    const token = randomBytes(32).toString("base64url");
    this.#entries.set(digest(token), { value, expires: this.#now() + this.#lifetime });
    return token;
  }

  /** The request of this token, once; undefined for a token that is wrong, used or too old. */
  consume(token: string): T | undefined {
    const key = digest(token);
    const entry = this.#entries.get(key);
    this.#entries.delete(key);
    return entry !== undefined && this.#now() < entry.expires ? entry.value : undefined;
  }

  get size(): number {
    return this.#entries.size;
  }

  #forgetExpired(): void {
    const now = this.#now();
    // All live equally long, so the oldest come first.
    for (const [key, { expires }] of this.#entries) {
      if (now < expires) return;
      this.#entries.delete(key);
    }
  }
}

function digest(token: string): string {
  return createHash("sha256").update(token).digest("base64");
}
