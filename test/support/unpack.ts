import { defaultLimits } from "../../src/image/layer/limits.ts";
import { type UnpackedLayer, type UnpackOptions, unpackLayer } from "../../src/image/layer/unpack.ts";
import { type BuiltLayer, sha256 } from "../fixtures/image-layer.ts";

/** Unpacks a layer into an existing directory, in chunks of a size; a single owner and the usual limits unless told otherwise. */
export function unpackInto(
  directory: string,
  { blob, digest, diffId }: Pick<BuiltLayer, "blob" | "digest" | "diffId">,
  { chunk = 65_536, ...options }: Partial<UnpackOptions> & { chunk?: number } = {},
): Promise<UnpackedLayer> {
  const content = { digest, diffId, size: blob.length };
  return unpackLayer(chunksOf(blob, chunk), content, {
    directory,
    singleOwner: true,
    devices: "skip",
    limits: defaultLimits,
    ...options,
  });
}

/** An archive as a layer that is not compressed. */
export function plainLayer(archive: Uint8Array): Pick<BuiltLayer, "blob" | "digest" | "diffId"> {
  const digest = sha256(archive);
  return { blob: archive, digest, diffId: digest };
}

export async function* chunksOf(data: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}
