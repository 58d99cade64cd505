import { Transform, type TransformCallback } from "node:stream";
import { createZstdDecompress, type ZstdDecompress, type ZstdOptions } from "node:zlib";

interface Feeding {
  chunk: Uint8Array;
  /** What the decoder had taken before this chunk. */
  before: number;
  done: TransformCallback;
}

/**
 * Decodes zstd streams of any number of frames, skippable ones among them (RFC 8878 §3.1): zstd:chunked images and
 * pzstd write many. Node's own decoder ends, without a word, at a frame that ends within a chunk; what it has not taken
 * of the chunk then goes to a new one.
 */
export class ZstdFrames extends Transform {
  readonly #options: ZstdOptions;
  #decoder: ZstdDecompress | undefined;
  #feeding: Feeding | undefined;

  constructor(options: ZstdOptions & { writableHighWaterMark: number }) {
    super({ writableHighWaterMark: options.writableHighWaterMark });
    this.#options = options;
  }

  override _transform(chunk: Uint8Array, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#feed(chunk, done);
  }

  override _read(size: number): void {
    this.#decoder?.resume();
    super._read(size);
  }

  override _flush(done: TransformCallback): void {
    if (this.#decoder === undefined) return void done();
    this.#decoder.once("end", () => done());
    this.#decoder.end();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#decoder?.destroy();
    done(error);
  }

  #feed(chunk: Uint8Array, done: TransformCallback): void {
    this.#decoder ??= this.#begin();
    const decoder = this.#decoder;
    const before = decoder.bytesWritten;
    this.#feeding = { chunk, before, done };
    decoder.write(chunk, (error) => {
      // With some of the chunk left the decoder is about to end, and #next goes on.
      if (error || decoder.bytesWritten - before < chunk.length) return;
      this.#feeding = undefined;
      done();
    });
  }

  #begin(): ZstdDecompress {
    const decoder = createZstdDecompress(this.#options);
    decoder.on("data", (data) => {
      if (!this.push(data)) decoder.pause();
    });
    decoder.on("error", (error) => this.destroy(error));
    decoder.on("end", () => this.#next(decoder));
    return decoder;
  }

  #next(ended: ZstdDecompress): void {
    const feeding = this.#feeding;
    if (feeding === undefined) return;
    const rest = feeding.chunk.subarray(ended.bytesWritten - feeding.before);
    ended.destroy();
    this.#decoder = undefined;
    this.#feeding = undefined;
    this.#feed(rest, feeding.done);
  }
}
