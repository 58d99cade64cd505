import type { Hash } from "node:crypto";
import { LichenError } from "../../errors.ts";
import { digestMismatch, hasherFor } from "../digest.ts";

/** Hashes and counts content, and compares it with what was promised. */
export class Meter {
  readonly #hash: Hash;
  readonly #digest: string;
  readonly #size: number | undefined;
  #length = 0;

  constructor(digest: string, size?: number) {
    this.#hash = hasherFor(digest);
    this.#digest = digest;
    this.#size = size;
  }

  get length(): number {
    return this.#length;
  }

  update(chunk: Uint8Array): void {
    this.#length += chunk.length;
    if (this.#size !== undefined && this.#length > this.#size) throw this.#wrongLength("more");
    this.#hash.update(chunk);
  }

  verify(operation: string, object: string): void {
    if (this.#size !== undefined && this.#length < this.#size)
      throw this.#wrongLength(`only ${this.#length}`);
    const actual = `${this.#digest.slice(0, this.#digest.indexOf(":"))}:${this.#hash.digest("hex")}`;
    if (actual !== this.#digest) throw digestMismatch(operation, object, this.#digest, actual);
  }

  #wrongLength(what: string): LichenError {
    return new LichenError({
      code: "DATA_LOSS",
      operation: "fetch layer",
      object: this.#digest,
      reason: `the registry sent ${what} bytes, the manifest promises ${this.#size}`,
      hint: "pull again; the connection broke off, or the registry has another content than the manifest says",
    });
  }
}
