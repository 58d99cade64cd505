import { LichenError } from "../../errors.ts";
import { nativeCode } from "../../native/failure.ts";
import { type LayerSummary, LayerWriter } from "../../native/layer.ts";
import { ArchiveReader } from "./archive.ts";
import {
  bytesToDetect,
  type Compression,
  type Decompressor,
  decompressor,
  detectCompression,
} from "./decompress.ts";
import type { DevicePolicy, Skipped } from "./entry.ts";
import type { LayerLimits } from "./limits.ts";
import { Meter } from "./meter.ts";

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
  devices: DevicePolicy;
  limits: LayerLimits;
}

export interface UnpackedLayer extends LayerSummary {
  skipped: Skipped;
}

/**
 * Content travels in parts of this size, a multiple of tar's blocks. Three of them: one is written by another thread, of one the
 * reader may have handed out the end only now, and one is filled.
 */
const partBytes = 1024 * 1024;
const partCount = 3;

/**
 * Unpacks one layer while it arrives: compressed bytes → SHA-256 → decoder → SHA-256 → tar → files, each stage held back
 * by the next. Returns only when length and both digests matched; what is in the directory is worth nothing before.
 * The bytes of a chunk are not looked at any more when the next one is asked for.
 * Errors: DATA_LOSS (wrong digest, wrong length, not an archive), INVALID_ARGUMENT (an entry against the rules),
 * RESOURCE_EXHAUSTED (beyond the limits), and whatever the kernel said while writing.
 */
export async function unpackLayer(
  body: AsyncIterable<Uint8Array>,
  content: LayerContent,
  options: UnpackOptions,
): Promise<UnpackedLayer> {
  const blob = new Meter(content.digest, content.size);
  await using writer = new LayerWriter(options.directory, options.singleOwner);
  let unpacking: Unpacking | undefined;
  try {
    let start: Uint8Array = new Uint8Array();
    for await (const chunk of body) {
      blob.update(chunk);
      if (unpacking !== undefined) {
        await unpacking.write(chunk);
        continue;
      }
      // A copy: the memory of a chunk is used again once the next one is asked for.
      start = Buffer.concat([start, chunk]);
      if (start.length < bytesToDetect) continue;
      unpacking = new Unpacking(detectCompression(start), content, writer, options);
      await unpacking.write(start);
    }
    blob.verify("verify layer", content.digest);
    if (unpacking === undefined) {
      unpacking = new Unpacking(detectCompression(start), content, writer, options);
      await unpacking.write(start);
    }
    await unpacking.end();
    return { ...(await writer.finish()), skipped: unpacking.skipped };
  } finally {
    unpacking?.close();
  }
}

/**
 * Decoder, hash and tar reader at work. Complaints about the content, an entry against the rules too, may come from damage, which the
 * digest of the whole tells better: after such a failure it swallows what comes, and `end` tells of it. Other failures
 * (limits, the disk) end it at once.
 */
class Unpacking {
  readonly #content: LayerContent;
  readonly #limits: LayerLimits;
  readonly #decoder: Decompressor;
  readonly #reader: ArchiveReader;
  readonly #writer: LayerWriter;
  /** Of an archive that is not compressed there is only one digest. */
  readonly #diff: Meter | undefined;
  readonly #parts = Array.from({ length: partCount }, () => Buffer.allocUnsafeSlow(partBytes));
  #part = 0;
  #filled = 0;
  #length = 0;
  #failure: unknown;

  constructor(compression: Compression, content: LayerContent, writer: LayerWriter, options: UnpackOptions) {
    const { limits, devices } = options;
    this.#content = content;
    this.#limits = limits;
    this.#writer = writer;
    this.#decoder = decompressor(compression);
    this.#diff =
      compression === "none" && content.digest === content.diffId ? undefined : new Meter(content.diffId);
    this.#reader = new ArchiveReader(writer, {
      devices,
      maxEntries: limits.maxEntries,
    });
  }

  get skipped(): Skipped {
    return this.#reader.skipped;
  }

  async write(input: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) return;
    try {
      for (let rest = input; ; ) {
        const output = this.#parts[this.#part]!;
        const [consumed, produced] = this.#decoder.decode(rest, output.subarray(this.#filled));
        this.#filled += produced;
        if (consumed > 0) rest = rest.subarray(consumed);
        if (this.#filled === partBytes) await this.#deliver();
        else if (rest.length === 0) return;
      }
    } catch (error) {
      const ofContent = nativeCode(error) === "MALFORMED_STREAM";
      if (error instanceof LichenError && error.code !== "INVALID_ARGUMENT" && !ofContent) throw error;
      this.#failure = error;
    }
  }

  async end(): Promise<void> {
    try {
      if (this.#failure !== undefined) throw this.#failure;
      this.#decoder.end();
      if (this.#filled > 0) await this.#deliver();
      await this.#reader.end();
    } catch (error) {
      if (error instanceof LichenError && nativeCode(error) !== "MALFORMED_STREAM") throw error;
      throw notAnArchive(this.#content.digest, error);
    }
    this.#diff?.verify("verify archive of layer", this.#content.digest);
  }

  close(): void {
    this.#decoder.close();
    this.#reader.destroy();
  }

  /** Hands the part that is filled to the reader, and what the reader made of it to the writer. */
  async #deliver(): Promise<void> {
    const part = this.#parts[this.#part]!.subarray(0, this.#filled);
    this.#length += part.length;
    if (this.#length > this.#limits.maxBytes) throw tooLarge(this.#content.digest, this.#limits.maxBytes);
    this.#diff?.update(part);
    const free = await this.#reader.write(part);
    // A header that does not end here lies in it still.
    if (!free) this.#parts[this.#part] = Buffer.allocUnsafeSlow(partBytes);
    this.#part = (this.#part + 1) % partCount;
    this.#filled = 0;
    await this.#writer.flush();
  }
}

function notAnArchive(digest: string, error: unknown): LichenError {
  const reason =
    error instanceof LichenError ? error.reason : error instanceof Error ? error.message : String(error);
  return new LichenError({
    code: "DATA_LOSS",
    operation: "unpack layer",
    object: digest,
    reason: `it is no valid archive: ${reason}`,
    hint: "the image was built wrongly; build and push it again",
    cause: error,
  });
}

function tooLarge(digest: string, limit: number): LichenError {
  return new LichenError({
    code: "RESOURCE_EXHAUSTED",
    operation: "unpack layer",
    object: digest,
    reason: `it unpacks to more than ${limit} bytes`,
    hint: "if the image is what it should be, raise images.max_layer_bytes in config.toml",
  });
}
