import { readFile } from "node:fs/promises";
import { LichenError } from "../../errors.ts";
import { sha256, verifyDigest } from "../digest.ts";
import type { Descriptor } from "../manifest.ts";
import { mediaType } from "../media-types.ts";
import { formatReference, type ImageReference } from "../reference.ts";
import type { FetchedManifest } from "../registry/client.ts";
import type { ImageSource, LayerSource } from "../source.ts";
import type { SpreadFile } from "./spread.ts";

const maximumDocumentBytes = 8 * 1024 * 1024;

/** Images of an archive that was spread out: blobs by their digests. */
export class ArchiveSource implements ImageSource {
  readonly #blobs = new Map<string, SpreadFile>();
  readonly #manifests = new Map<string, Uint8Array>();

  add(digest: string, blob: SpreadFile): void {
    this.#blobs.set(digest, blob);
  }

  /** Puts in a manifest that the archive itself does not have; gives its digest. */
  addManifest(manifest: object): string {
    const data = Buffer.from(JSON.stringify(manifest));
    this.#manifests.set(sha256(data), data);
    return sha256(data);
  }

  async manifest(reference: ImageReference): Promise<FetchedManifest> {
    const digest = reference.digest ?? "";
    const own = this.#manifests.get(digest);
    if (own !== undefined) return { data: own, digest, contentType: mediaType.ociManifest };
    const data = await readDocument(this.#find(digest), formatReference(reference));
    verifyDigest(data, digest, "read manifest", formatReference(reference));
    return { data, digest, contentType: mediaType.ociManifest };
  }

  async blob({ digest }: Pick<Descriptor, "digest">): Promise<Uint8Array> {
    const data = await readDocument(this.#find(digest), digest);
    verifyDigest(data, digest, "read blob", digest);
    return data;
  }

  layer(digest: string): LayerSource {
    return { file: this.#find(digest).file };
  }

  #find(digest: string): SpreadFile {
    const blob = this.#blobs.get(digest);
    if (blob !== undefined) return blob;
    throw new LichenError({
      code: "DATA_LOSS",
      operation: "read image archive",
      object: digest,
      reason: "the archive names this blob and does not have it",
      hint: "write the archive again",
    });
  }
}

/** A JSON document of an archive as bytes. */
export async function readDocument(blob: SpreadFile, object: string): Promise<Uint8Array> {
  if (blob.size <= maximumDocumentBytes) return readFile(blob.file);
  throw new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "read image archive",
    object,
    reason: `a document of ${blob.size} bytes; at most ${maximumDocumentBytes} are read`,
  });
}
