import type { Descriptor } from "./manifest.ts";
import type { ImageReference } from "./reference.ts";
import type { ClientState, FetchedManifest } from "./registry/client.ts";

/** Where an image comes from: a registry, or an archive that was spread out on the disk. Whoever reads checks digests. */
export interface ImageSource {
  /** The manifest or index under a reference's digest, or else its tag. */
  manifest(reference: ImageReference, signal?: AbortSignal): Promise<FetchedManifest>;
  /** A small blob as a whole, checked. */
  blob(descriptor: Pick<Descriptor, "digest" | "size">, signal?: AbortSignal): Promise<Uint8Array>;
  /** Where a thread of the pool gets the bytes of a layer. */
  layer(digest: string): LayerSource;
}

/** Plain data, for another thread: a registry (`dial`: connections are asked for from the main thread), or a file. */
export type LayerSource = { registry: ClientState; dial: boolean } | { file: string };
