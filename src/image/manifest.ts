import * as z from "zod";
import { LichenError } from "../errors.ts";
import { digestProblem } from "./digest.ts";
import { isForeignLayerType, isIndexType, isLayerType, mediaType } from "./media-types.ts";

const digestSchema = z.string().superRefine((text, context) => {
  const problem = digestProblem(text);
  if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
});

const descriptorSchema = z.object({
  mediaType: z.string(),
  digest: digestSchema,
  size: z.number().int().nonnegative(),
});

const indexSchema = z.object({
  manifests: z.array(
    descriptorSchema.extend({
      platform: z
        .object({
          architecture: z.string(),
          os: z.string(),
          variant: z.string().nullish(),
          "os.features": z.array(z.string()).nullish(),
        })
        .transform(({ architecture, os, variant, "os.features": features }) => ({
          os,
          architecture,
          ...(variant ? { variant } : {}),
          ...(features?.length ? { features } : {}),
        }))
        .nullish(),
      artifactType: z.string().nullish(),
    }),
  ),
});

const manifestSchema = z.object({
  config: descriptorSchema,
  layers: z.array(descriptorSchema),
});

/** Points to content: what it is, its digest, its length in bytes (image-spec, descriptor.md). */
export type Descriptor = z.infer<typeof descriptorSchema>;

/** What an image runs on, in Go's names (image-spec, image-index.md). */
export interface Platform {
  os: string;
  architecture: string;
  variant?: string | undefined;
  /** What the image needs of the system beside that (`os.features`). */
  features?: readonly string[] | undefined;
}

export interface PlatformDescriptor extends Descriptor {
  platform?: Platform | null | undefined;
  /** Set for what is no image: signatures, bills of materials. */
  artifactType?: string | null | undefined;
}

/** An index (many platforms) or the manifest of one image. */
export type ParsedManifest =
  | { kind: "index"; manifests: PlatformDescriptor[] }
  | { kind: "image"; config: Descriptor; layers: Descriptor[] };

/**
 * Reads what a registry sent as a manifest. `contentType` is its Content-Type; the document's own mediaType wins.
 * Throws FAILED_PRECONDITION for forms that are not supported (by name) and DATA_LOSS for malformed ones.
 */
export function parseManifest(data: Uint8Array, contentType: string, object: string): ParsedManifest {
  const document = parseJson(data, "manifest", object);
  const head = z
    .object({ mediaType: z.string().optional(), schemaVersion: z.number().optional() })
    .loose()
    .safeParse(document);
  if (!head.success) throw malformed("manifest", object, "it is no JSON object");
  const type = head.data.mediaType ?? contentType;
  if (
    head.data.schemaVersion === 1 ||
    type === mediaType.dockerSchema1 ||
    type === mediaType.dockerSchema1Signed
  )
    throw unsupported(
      object,
      "it is a Docker schema 1 manifest",
      "push the image again with a current client",
    );
  if (isIndexType(type) || (type !== mediaType.ociManifest && "manifests" in head.data)) {
    return { kind: "index", ...check(indexSchema, document, "index", object) };
  }
  if (type !== mediaType.ociManifest && type !== mediaType.dockerManifest && !("layers" in head.data))
    throw unsupported(object, `its media type is "${type}"`, "only container images can be pulled");
  const manifest = check(manifestSchema, document, "manifest", object);
  if (
    manifest.config.mediaType !== mediaType.ociConfig &&
    manifest.config.mediaType !== mediaType.dockerConfig
  )
    throw unsupported(
      object,
      `its configuration has the media type "${manifest.config.mediaType}"`,
      "this is an artifact, not a container image",
    );
  for (const layer of manifest.layers)
    if (isForeignLayerType(layer.mediaType))
      throw unsupported(
        object,
        `layer ${layer.digest} is a foreign layer, which its publisher keeps outside the registry`,
        "push the image with all its layers (docker: allow-nondistributable-artifacts)",
      );
    else if (!isLayerType(layer.mediaType))
      throw unsupported(object, `layer ${layer.digest} has the media type "${layer.mediaType}"`);
  return { kind: "image", ...manifest };
}

/** Parses and checks a JSON document of a registry by a schema. */
export function check<T>(schema: z.ZodType<T>, document: unknown, what: string, object: string): T {
  const result = schema.safeParse(document);
  if (result.success) return result.data;
  const first = result.error.issues[0];
  const where = first === undefined ? "" : first.path.join(".");
  throw malformed(what, object, `${where === "" ? "" : `${where}: `}${first?.message ?? "unknown"}`);
}

export function parseJson(data: Uint8Array, what: string, object: string): unknown {
  try {
    return JSON.parse(Buffer.from(data).toString("utf8"));
  } catch (error) {
    throw malformed(what, object, error instanceof Error ? error.message : String(error));
  }
}

function malformed(what: string, object: string, reason: string): LichenError {
  return new LichenError({
    code: "DATA_LOSS",
    operation: `read ${what}`,
    object,
    reason: `malformed: ${reason}`,
    hint: "the registry serves something that is no valid image; push it again",
  });
}

function unsupported(object: string, reason: string, hint?: string): LichenError {
  return new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "read manifest",
    object,
    reason: `not supported: ${reason}`,
    ...(hint === undefined ? {} : { hint }),
  });
}
