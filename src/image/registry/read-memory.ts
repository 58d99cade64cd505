/** What one read may bring, and how many buffers wait at the most: more than one connection has on the way. */
const bufferBytes = 128 * 1024;
const mostFree = 8;

/**
 * Memory for what is read from connections, used again once somebody gives it back. Node takes new memory for each read, and V8 looks
 * through the whole heap after each 64 MiB of such garbage: a fifth of the time of a pull. What nobody gives back the garbage
 * collector takes, as ever.
 */
export class ReadMemory {
  readonly #free: Buffer[] = [];
  /** What of each buffer was handed out. */
  readonly #filled = new WeakMap<ArrayBufferLike, number>();

  /** Memory for the next read. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
  }

  /** What a read has put at the front of memory that was taken. */
  filled(buffer: Buffer, length: number): Buffer {
    this.#filled.set(buffer.buffer, length);
    return buffer.subarray(0, length);
  }

  /**
   * Nobody looks at `bytes` any more. Memory is used again when they are all that a read brought; of a part others may be looked at still.
   * Bytes from elsewhere are let alone.
   */
  giveBack(bytes: Uint8Array): void {
    if (bytes.byteOffset !== 0 || this.#filled.get(bytes.buffer) !== bytes.byteLength) return;
    this.#filled.delete(bytes.buffer);
    if (this.#free.length < mostFree) this.#free.push(Buffer.from(bytes.buffer));
  }
}

/** That of this thread. */
export const readMemory = new ReadMemory();
