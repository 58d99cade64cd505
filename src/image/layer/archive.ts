import type { Extract } from "tar-stream";
import { LichenError } from "../../errors.ts";
import type { LayerWriter } from "../../native/layer.ts";
import { type DevicePolicy, type Entry, type EntryHeader, readEntry, type Skipped } from "./entry.ts";
import { type ContentSink, EntryContent } from "./entry-content.ts";
import { byteExtract, hasLeftover } from "./pax.ts";
import { SparseContent } from "./sparse.ts";

export interface ArchiveOptions {
  devices: DevicePolicy;
  /** An archive with more entries than this is refused. */
  maxEntries: number;
}

/** A tar reader that hands every entry to a writer, one after another. Failures are told by `write` and `end`. */
export class ArchiveReader {
  readonly #reader: Extract;
  readonly #writer: LayerWriter;
  readonly #options: ArchiveOptions;
  readonly skipped: Skipped = { devices: 0, xattrs: 0 };
  #entries = 0;
  #failure: unknown;
  #ended = false;
  #wake: () => void = () => {};

  constructor(writer: LayerWriter, options: ArchiveOptions) {
    this.#writer = writer;
    this.#options = options;
    this.#reader = byteExtract();
    const wake = () => this.#wake();
    const fail = (error: unknown) => this.#fail(error);
    EntryContent.replaceStreamsOf(this.#reader, fail);
    this.#reader.on("entry", (header, content, next) => {
      try {
        this.#entry(header, content as unknown as EntryContent);
      } catch (error) {
        fail(error);
      }
      next();
    });
    this.#reader.on("drain", wake);
    this.#reader.on("error", (error) => {
      this.#failure ??= error;
    });
    this.#reader.on("close", () => {
      this.#ended = true;
      wake();
    });
  }

  /**
   * Reads the next part of the archive. When it resolves, everything of it but the last content has been given to the writer; what
   * is left refers to this part or waits for more: false when some of it is still needed for the next header.
   */
  async write(part: Uint8Array): Promise<boolean> {
    if (!this.#ended && !this.#reader.write(part)) await this.#next();
    if (this.#ended) throw this.#failure ?? new Error("Unexpected end of data");
    return !hasLeftover(this.#reader);
  }

  async end(): Promise<void> {
    this.#reader.end(undefined);
    if (!this.#ended) await this.#next();
    if (this.#failure !== undefined) throw this.#failure;
  }

  destroy(): void {
    this.#reader.destroy();
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => resolve();
    });
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#reader.destroy(error as Error);
  }

  #entry(header: EntryHeader, content: EntryContent): void {
    if (++this.#entries > this.#options.maxEntries) throw tooManyEntries(this.#options.maxEntries);
    const sink = this.#begin(readEntry(header, this.skipped, this.#options.devices));
    // Of an entry without content the reader says no end.
    if (header.size === 0) sink?.end();
    else content.sink = sink;
  }

  /** Gives an entry to the writer; what takes its content, where there is one. */
  #begin(entry: Entry): ContentSink | undefined {
    const writer = this.#writer;
    switch (entry.kind) {
      case "file":
        writer.beginFile(entry.path, entry.attributes);
        return contentOf(entry, writer);
      case "directory":
        writer.directory(entry.path, entry.attributes);
        return undefined;
      case "symlink":
        writer.symlink(entry.path, entry.target, entry.attributes);
        return undefined;
      case "hardlink":
        writer.hardLink(entry.path, entry.target);
        return undefined;
      case "fifo":
        writer.fifo(entry.path, entry.attributes);
        return undefined;
      case "whiteout":
        writer.whiteout(entry.path);
        return undefined;
      case "opaque":
        writer.opaque(entry.path);
        return undefined;
      case "skip":
        return undefined;
    }
  }
}

function contentOf(entry: Entry & { kind: "file" }, writer: LayerWriter): ContentSink {
  if (entry.sparse === undefined)
    return { write: (bytes) => writer.append(bytes), end: () => writer.endFile() };
  const sparse = new SparseContent(entry.path, entry.sparse, writer);
  return {
    write: (bytes) => sparse.write(bytes),
    end: () => {
      sparse.end();
      writer.endFile();
    },
  };
}

function tooManyEntries(limit: number): LichenError {
  return new LichenError({
    code: "RESOURCE_EXHAUSTED",
    operation: "unpack layer",
    object: "archive",
    reason: `it has more than ${limit} entries`,
    hint: "if the image is what it should be, raise images.max_layer_entries in config.toml",
  });
}
