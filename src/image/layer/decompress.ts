import { Decoder } from "../../native/decoder.ts";

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

/** Decoding into given memory, or copying where nothing is compressed; the contract is the Decoder's. */
export interface Decompressor {
  decode(input: Uint8Array, output: Uint8Array): [consumed: number, produced: number];
  end(): void;
  close(): void;
}

export function decompressor(compression: Compression): Decompressor {
  if (compression !== "none") return new Decoder(compression);
  return {
    decode(input, output) {
      const size = Math.min(input.length, output.length);
      output.set(size === input.length ? input : input.subarray(0, size));
      return [size, size];
    },
    end() {},
    close() {},
  };
}
