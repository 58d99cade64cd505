import { native } from "./addon.ts";

/**
 * Decodes gzip of any number of members, zstd of any number of frames (skippable ones among them), or one zlib stream with a dictionary,
 * into memory that the caller provides. Blocks. Errors are of the content: MALFORMED_STREAM (nativeCode) with what the library says. close() it, or `using`.
 */
export class Decoder {
  readonly #handle: unknown;

  constructor(kind: "gzip" | "zstd");
  constructor(kind: "zlib", dictionary: Uint8Array);
  constructor(kind: string, dictionary?: Uint8Array) {
    this.#handle = native((raw) => raw.decoder.open(kind, dictionary));
  }

  /**
   * Takes as much of `input` as it can and fills `output` from its beginning. An output that is full may have been too small: call
   * again, if need be without input.
   */
  decode(input: Uint8Array, output: Uint8Array): [consumed: number, produced: number] {
    return native((raw) => raw.decoder.decode(this.#handle, input, output));
  }

  /** To be called after the last input: throws when that was not all. */
  end(): void {
    native((raw) => raw.decoder.end(this.#handle));
  }

  close(): void {
    native((raw) => raw.decoder.close(this.#handle));
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
