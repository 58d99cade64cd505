import type { Extract, Header } from "tar-stream";

/** What takes the content of an entry. */
export interface ContentSink {
  write(bytes: Uint8Array): void;
  end(): void;
}

interface Internals {
  _header: Header;
  _stream: EntryContent | null;
  _missing: number;
  _createStream(): EntryContent;
}

const block = 512;

/**
 * The content of an entry, in the place of the stream that tar-stream makes for each: parts go to the sink at once, one after
 * another, and without a sink nowhere. A stream with its events costs more than everything else that is done about a small file.
 *
 * The reader calls `push`, `_detach` and `destroy`. It is never held back: it has to be unlocked (by the "entry" event's last
 * argument) at once, and whoever writes to the reader waits for what sinks have taken.
 */
export class EntryContent {
  readonly #reader: Internals;
  /** What the reader does with a failure of the sink. */
  readonly #fail: (error: unknown) => void;
  sink: ContentSink | undefined;

  private constructor(reader: Internals, fail: (error: unknown) => void) {
    this.#reader = reader;
    this.#fail = fail;
  }

  /** Lets the reader hand out contents of this kind with its "entry" events. `fail` is told what a sink throws. */
  static replaceStreamsOf(extract: Extract, fail: (error: unknown) => void): void {
    const reader = extract as unknown as Internals;
    reader._createStream = () => new EntryContent(reader, fail);
  }

  push(bytes: Uint8Array | null): boolean {
    const { sink } = this;
    try {
      if (bytes === null) sink?.end();
      else sink?.write(bytes);
    } catch (error) {
      this.sink = undefined;
      this.#fail(error);
    }
    return true;
  }

  /** The content is over; what fills its last block is passed over. */
  _detach(): void {
    const reader = this.#reader;
    if (reader._stream !== this) return;
    reader._stream = null;
    reader._missing = -reader._header.size & (block - 1);
  }

  destroy(): void {
    this.sink = undefined;
  }
}
