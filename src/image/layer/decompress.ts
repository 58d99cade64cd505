import { PassThrough, type Transform } from "node:stream";
import { createGunzip } from "node:zlib";
import { ZstdFrames } from "./zstd.ts";

const outputChunkBytes = 512 * 1024;

const queuedInputBytes = 1024 * 1024;

/** How many bytes `detectCompression` wants, unless there are fewer. */
export const bytesToDetect = 4;

export type Compression = "gzip" | "zstd" | "none";

/**
 * How a layer is compressed, by its first bytes: media types are often wrong.
 * zstd streams may begin with a skippable frame (RFC 8878 §3.1.2).
 */
export function detectCompression(start: Uint8Array): Compression {
  if (start[0] === 0x1f && start[1] === 0x8b) return "gzip";
  if (start.length < 4) return "none";
  const magic = Buffer.from(start.buffer, start.byteOffset, 4).readUInt32LE();
  if (magic === 0xfd2fb528 || (magic & 0xfffffff0) >>> 0 === 0x184d2a50) return "zstd";
  return "none";
}

/** A stream that decodes; large chunks, as every chunk costs the same on its way. */
export function decompressor(compression: Compression): Transform {
  const options = { chunkSize: outputChunkBytes, writableHighWaterMark: queuedInputBytes };
  if (compression === "gzip") return createGunzip(options);
  if (compression === "zstd") return new ZstdFrames(options);
  return new PassThrough(options);
}
