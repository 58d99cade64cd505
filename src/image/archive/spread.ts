import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Header } from "tar-stream";
import { asLichenError, LichenError } from "../../errors.ts";
import { bytesToDetect, type Decompressor, decompressor, detectCompression } from "../layer/decompress.ts";
import { byteExtract } from "../layer/pax.ts";

/** A file of an archive, on the disk under a name of our own. */
export interface SpreadFile {
  file: string;
  size: number;
  /** SHA-256 of the content. */
  digest: string;
}

const decodedBytes = 256 * 1024;
const maximumEntries = 100_000;
const maximumNameBytes = 4096;

/** The files of an archive by their names in it, without "./"; a link is the file that it leads to. */
export type SpreadArchive = ReadonlyMap<string, SpreadFile>;

/**
 * Writes the files of a tar archive, compressed or not, into a directory, which is the caller's to remove. Names of the archive are
 * never names on the disk. INVALID_ARGUMENT for what is no archive.
 */
export async function spreadArchive(
  data: AsyncIterable<Uint8Array>,
  directory: string,
): Promise<SpreadArchive> {
  const files = new Map<string, SpreadFile>();
  const links = new Map<string, string>();
  let entries = 0;
  const reader = byteExtract();
  reader.on("entry", (header: Header, content, next) => {
    // Told again by the reader.
    content.on("error", () => {});
    const take = async () => {
      const name = plainName(header.name);
      if (++entries > maximumEntries || header.name.length > maximumNameBytes)
        throw refusal(`it has more than ${maximumEntries} entries, or too long names`);
      if (header.type === "file" || header.type === "contiguous-file") {
        files.set(
          name,
          await writeFile(content as AsyncIterable<Uint8Array>, join(directory, String(entries))),
        );
        return;
      }
      if (header.type === "symlink") links.set(name, targetOf(name, header.linkname ?? ""));
      if (header.type === "link") links.set(name, plainName(header.linkname ?? ""));
      content.resume();
    };
    take().then(
      () => next(),
      (error: Error) => next(error),
    );
  });
  try {
    await pipeline(decoded(data), reader);
  } catch (error) {
    if (error instanceof LichenError) throw error;
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") throw full(directory, error);
    throw refusal(`it is no tar archive: ${asLichenError(error).reason}`, error);
  }
  for (const [name, target] of links) {
    const file = files.get(target);
    if (file !== undefined && !files.has(name)) files.set(name, file);
  }
  return files;
}

/** The archive's bytes, decompressed if they are compressed. */
async function* decoded(data: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let start: Uint8Array = new Uint8Array();
  const rest = data[Symbol.asyncIterator]();
  while (start.length < bytesToDetect) {
    const next = await rest.next();
    if (next.done === true) break;
    start = Buffer.concat([start, next.value]);
  }
  if (start.length === 0) throw refusal("it is empty");
  const decoder = decompressor(detectCompression(start));
  try {
    for (let input: Uint8Array | undefined = start; input !== undefined; ) {
      yield* decodedParts(decoder, input);
      const next = await rest.next();
      input = next.done === true ? undefined : next.value;
    }
    decoder.end();
  } finally {
    decoder.close();
  }
}

/** What a decoder makes of one piece. */
function* decodedParts(decoder: Decompressor, input: Uint8Array): Generator<Uint8Array> {
  for (let left = input; ; ) {
    const output = Buffer.allocUnsafe(decodedBytes);
    const [consumed, produced] = decoder.decode(left, output);
    left = left.subarray(consumed);
    if (produced > 0) yield output.subarray(0, produced);
    if (left.length === 0 && produced < output.length) return;
  }
}

async function writeFile(content: AsyncIterable<Uint8Array>, path: string): Promise<SpreadFile> {
  const hash = createHash("sha256");
  let size = 0;
  const file = await open(path, "wx", 0o600);
  try {
    for await (const chunk of content) {
      hash.update(chunk);
      size += chunk.length;
      await file.writeFile(chunk);
    }
  } finally {
    await file.close();
  }
  return { file: path, size, digest: `sha256:${hash.digest("hex")}` };
}

function plainName(name: string): string {
  return name
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}

/** Where a symbolic link leads, within the archive. */
function targetOf(name: string, target: string): string {
  const parts = target.startsWith("/") ? [] : name.split("/").slice(0, -1);
  for (const part of target.split("/")) {
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return plainName(parts.join("/"));
}

function refusal(reason: string, cause?: unknown): LichenError {
  return new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "read image archive",
    object: "",
    reason,
    hint: "give an archive as `lichen save`, `docker save`, or `skopeo copy … oci-archive:FILE` write it",
    cause,
  });
}

function full(directory: string, cause: unknown): LichenError {
  return new LichenError({
    code: "RESOURCE_EXHAUSTED",
    operation: "read image archive",
    object: directory,
    reason: "no space is left on the device",
    hint: "free some space: the archive is spread out on the disk before it is unpacked",
    cause,
  });
}
