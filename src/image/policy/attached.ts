import * as z from "zod";
import { LichenError } from "../../errors.ts";
import { hexOf } from "../digest.ts";
import { check, parseJson } from "../manifest.ts";
import { formatReference, type ImageReference } from "../reference.ts";
import type { ImageSource } from "../source.ts";

/** A signature beside an image: what was signed, and the signature. */
export interface AttachedSignature {
  payload: Uint8Array;
  signature: Buffer;
}

// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
const signatureAnnotation = "dev.cosignproject.cosign/signature";
const payloadType = "application/vnd.dev.cosign.simplesigning.v1+json";
const maximumSignatures = 100;
const maximumPayloadBytes = 1024 * 1024;

const manifestSchema = z.object({
  layers: z.array(
    z.object({
      mediaType: z.string(),
      digest: z.string(),
      size: z.number().int().nonnegative(),
      annotations: z.record(z.string(), z.string()).optional(),
    }),
  ),
});

/** The signatures that cosign has attached to a digest (tag `sha256-<hex>.sig` of the same repository); none is no error. */
export async function attachedSignatures(
  { registry, repository }: ImageReference,
  digest: string,
  source: ImageSource,
  signal: AbortSignal | undefined,
): Promise<AttachedSignature[]> {
  const tag = `${digest.slice(0, digest.indexOf(":"))}-${hexOf(digest)}.sig`;
  const reference = { registry, repository, tag };
  const object = formatReference(reference);
  const manifest = await source.manifest(reference, signal).catch((error: unknown) => {
    if (error instanceof LichenError && error.code === "NOT_FOUND") return undefined;
    throw error;
  });
  if (manifest === undefined) return [];
  const document = parseJson(manifest.data, "signatures", object);
  const { layers } = check(manifestSchema, document, "signatures", object);
  const found: AttachedSignature[] = [];
  for (const { mediaType, annotations = {}, digest: payloadDigest, size } of layers.slice(
    0,
    maximumSignatures,
  )) {
    const text = annotations[signatureAnnotation];
    if (mediaType !== payloadType || text === undefined || size > maximumPayloadBytes) continue;
    const payload = await source.blob({ digest: payloadDigest, size }, signal);
    found.push({ payload, signature: Buffer.from(text, "base64") });
  }
  return found;
}
