import type { Hash } from "node:crypto";
import type { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Extract, Header } from "tar-stream";
import { LichenError } from "../../errors.ts";
import { type LayerSummary, LayerWriter } from "../../native/layer.ts";
import { digestMismatch, hasherFor } from "../digest.ts";
import { bytesToDetect, decompressor, detectCompression } from "./decompress.ts";
import { type Entry, readEntry, type Skipped } from "./entry.ts";
import { byteExtract } from "./pax.ts";

export interface LayerContent {
  /** Digest and length of the compressed bytes, as the manifest has them. */
  digest: string;
  size: number;
  /** Digest of the archive, as the image's configuration has it. */
  diffId: string;
}

export interface UnpackOptions {
  /** An existing empty directory. */
  directory: string;
  singleOwner: boolean;
}

export interface UnpackedLayer extends LayerSummary {
  skipped: Skipped;
}

/**
 * Unpacks one layer while it arrives: compressed bytes → SHA-256 → decoder → SHA-256 → tar → files, each stage held back
 * by the next. Returns only when length and both digests matched; what is in the directory is worth nothing before.
 * Errors: DATA_LOSS (wrong digest, wrong length, not an archive), INVALID_ARGUMENT (an entry against the rules), and
 * whatever the kernel said while writing.
 */
export async function unpackLayer(
  body: AsyncIterable<Uint8Array>,
  content: LayerContent,
  options: UnpackOptions,
): Promise<UnpackedLayer> {
  const blob = new Meter(content.digest, content.size);
  const diff = new Meter(content.diffId);
  const skipped: Skipped = { devices: 0, xattrs: 0 };
  using writer = new LayerWriter(options.directory, options.singleOwner);
  const reader = archiveReader(writer, skipped);
  let decoding: Decoding | undefined;
  try {
    let start: Uint8Array = new Uint8Array();
    for await (const chunk of body) {
      blob.update(chunk);
      if (decoding !== undefined) {
        await decoding.write(chunk);
      } else {
        start = start.length === 0 ? chunk : Buffer.concat([start, chunk]);
        if (start.length < bytesToDetect) continue;
        decoding = new Decoding(start, diff, reader);
      }
      // An entry against the rules ends it at once; other complaints may come from damaged content, which the digest
      // of the whole tells better.
      if (decoding.failure instanceof LichenError) throw decoding.failure;
    }
    blob.verify("verify layer", content.digest);
    decoding ??= new Decoding(start, diff, reader);
    await decoding.end();
  } catch (error) {
    decoding?.destroy();
    if (error instanceof LichenError || decoding?.failure !== error) throw error;
    throw notAnArchive(content.digest, error);
  }
  diff.verify("verify archive of layer", content.digest);
  return { ...writer.finish(), skipped };
}

function notAnArchive(digest: string, error: unknown): LichenError {
  return new LichenError({
    code: "DATA_LOSS",
    operation: "unpack layer",
    object: digest,
    reason: `it is no valid archive: ${error instanceof Error ? error.message : String(error)}`,
    hint: "the image was built wrongly; build and push it again",
    cause: error,
  });
}

/** Decoder, hash and tar reader at work. After a failure it swallows what comes, so that the rest can be hashed. */
class Decoding {
  readonly #decoder: Transform;
  readonly #done: Promise<void>;
  failure: unknown;

  constructor(start: Uint8Array, diff: Meter, reader: Extract) {
    this.#decoder = decompressor(detectCompression(start));
    this.#done = pipeline(
      this.#decoder,
      (decoded: AsyncIterable<Uint8Array>) => diff.pass(decoded),
      reader,
    ).catch((error: unknown) => {
      this.failure = error;
    });
    this.#decoder.write(start);
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.failure !== undefined || this.#decoder.write(chunk)) return;
    await Promise.race([new Promise((resolve) => this.#decoder.once("drain", resolve)), this.#done]);
  }

  async end(): Promise<void> {
    this.#decoder.end();
    await this.#done;
    if (this.failure !== undefined) throw this.failure;
  }

  destroy(): void {
    this.#decoder.destroy();
  }
}

/** The end of the pipeline: a tar reader that hands every entry to the writer, one after another. */
function archiveReader(writer: LayerWriter, skipped: Skipped): Extract {
  const reader = byteExtract();
  reader.on("entry", (header: Header, content, next) => {
    // The reader tells of every failure; told once more by the entry, nobody would listen and the thread would end.
    content.on("error", () => {});
    const attempt = (step: () => void) => {
      try {
        step();
      } catch (error) {
        reader.destroy(error as Error);
      }
    };
    attempt(() => {
      if (!write(writer, readEntry(header, skipped))) {
        // Not waiting for its end: that of a directory with a size never comes.
        content.resume();
        next();
        return;
      }
      content.on("data", (chunk) => attempt(() => writer.append(chunk as Uint8Array)));
      content.on("end", () =>
        attempt(() => {
          writer.endFile();
          next();
        }),
      );
    });
  });
  return reader;
}

/** Makes an entry; true when its content follows. */
function write(writer: LayerWriter, entry: Entry): boolean {
  switch (entry.kind) {
    case "file":
      writer.beginFile(entry.path, entry.attributes);
      return true;
    case "directory":
      writer.directory(entry.path, entry.attributes);
      return false;
    case "symlink":
      writer.symlink(entry.path, entry.target, entry.attributes);
      return false;
    case "hardlink":
      writer.hardLink(entry.path, entry.target);
      return false;
    case "fifo":
      writer.fifo(entry.path, entry.attributes);
      return false;
    case "whiteout":
      writer.whiteout(entry.path);
      return false;
    case "opaque":
      writer.opaque(entry.path);
      return false;
    case "skip":
      return false;
  }
}

/** Hashes and counts content, and compares it with what was promised. */
class Meter {
  readonly #hash: Hash;
  readonly #digest: string;
  readonly #size: number | undefined;
  #length = 0;

  constructor(digest: string, size?: number) {
    this.#hash = hasherFor(digest);
    this.#digest = digest;
    this.#size = size;
  }

  update(chunk: Uint8Array): void {
    this.#length += chunk.length;
    if (this.#size !== undefined && this.#length > this.#size) throw this.#wrongLength("more");
    this.#hash.update(chunk);
  }

  async *pass(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      this.update(chunk);
      yield chunk;
    }
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
