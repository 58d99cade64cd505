/** Bytes that a stream is read into at a time, first and once much has come. */
const first = 64 * 1024;
const large = 256 * 1024;
/** Bytes after which a stream counts as one through which much flows. */
const much = 4 * 1024 * 1024;

/**
 * Memory that a stream is read into again and again. It grows once much has come: larger reads are fewer, but V8 collects its whole heap
 * when a hundred short streams have taken the larger memory each.
 */
export class ReadBuffer {
  #buffer: Buffer;
  #came = 0;

  /** `size`: of the first memory; what a usual pipe holds, if not given. */
  constructor(size = first) {
    this.#buffer = Buffer.allocUnsafeSlow(size);
  }

  /** For the next read. */
  get current(): Buffer {
    return this.#buffer;
  }

  /** Counts the bytes of a read. True when the next one goes to larger memory; what the last one brought stays where it is. */
  came(length: number): boolean {
    this.#came += length;
    if (this.#came < much || this.#buffer.length === large) return false;
    this.#buffer = Buffer.allocUnsafeSlow(large);
    return true;
  }
}
