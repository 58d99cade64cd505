import * as z from "zod";
import { LichenError } from "../../errors.ts";
import { digestMismatch, digestProblem } from "../digest.ts";
import { check, parseJson } from "../manifest.ts";
import { mediaType } from "../media-types.ts";
import { type ImageReference, parseReference, repositoryName } from "../reference.ts";
import { ArchiveSource, readDocument } from "./source.ts";
import type { SpreadArchive, SpreadFile } from "./spread.ts";

/** An image that an archive holds. */
export interface ArchiveImage {
  /** Normalised names with tags. */
  tags: string[];
  /** Digest of its manifest or index in the source. */
  digest: string;
  /** Whether the manifest is the archive's own, and so one that a registry may have as well. */
  original: boolean;
  source: ArchiveSource;
}

// image-spec, image-layout.md, "index.json file"
const layoutIndex = z.object({
  manifests: z.array(
    z.object({
      mediaType: z.string().optional(),
      digest: z.string().refine((text) => digestProblem(text) === undefined, { message: "not a digest" }),
      platform: z.object({ os: z.string() }).loose().optional(),
      annotations: z.record(z.string(), z.string()).optional(),
    }),
  ),
});

// https://github.com/moby/docker-image-spec/blob/main/v1.2.md, "Combined Image JSON + Filesystem Changeset Format"
const dockerManifest = z.array(
  z.object({
    Config: z.string(),
    RepoTags: z.array(z.string()).nullish(),
    Layers: z.array(z.string()).nullish(),
  }),
);

/** The images of a spread archive: an OCI layout, or else a docker-archive. INVALID_ARGUMENT when it is neither. */
export async function readArchive(files: SpreadArchive): Promise<ArchiveImage[]> {
  const index = files.get("index.json");
  const manifest = files.get("manifest.json");
  if (index !== undefined && files.has("oci-layout")) return readLayout(files, index);
  if (manifest !== undefined) return readDockerArchive(files, manifest);
  throw new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "read image archive",
    object: "",
    reason: "it has neither oci-layout with index.json nor manifest.json: it is no archive of images",
    hint: "give an archive as `lichen save`, `docker save`, or `skopeo copy … oci-archive:FILE` write it",
  });
}

async function readLayout(files: SpreadArchive, index: SpreadFile): Promise<ArchiveImage[]> {
  const source = new ArchiveSource();
  for (const [name, file] of files) {
    const [, algorithm, hex] = /^blobs\/([a-z0-9]+)\/([0-9a-f]+)$/.exec(name) ?? [];
    if (hex === undefined) continue;
    const digest = `${algorithm}:${hex}`;
    if (algorithm === "sha256" && digest !== file.digest)
      throw digestMismatch("read image archive", name, digest, file.digest);
    source.add(digest, file);
  }
  const document = parseJson(await readDocument(index, "index.json"), "index", "index.json");
  const { manifests } = check(layoutIndex, document, "index", "index.json");
  const images = new Map<string, ArchiveImage>();
  for (const { digest, annotations = {}, platform } of manifests) {
    // Attestations about images are beside them, for a platform that does not exist.
    if (platform?.os === "unknown") continue;
    const image = images.get(digest) ?? { tags: [], digest, original: true, source };
    const name = nameOf(annotations);
    if (name !== undefined) image.tags.push(name);
    images.set(digest, image);
  }
  return [...images.values()];
}

/** containerd and docker write the whole name beside the tag; podman writes it in the tag's place. */
function nameOf(annotations: Record<string, string>): string | undefined {
  const whole = annotations["io.containerd.image.name"];
  if (whole !== undefined) return taggedName(whole);
  const name = annotations["org.opencontainers.image.ref.name"] ?? "";
  return /[/:]/.test(name) ? taggedName(name) : undefined;
}

async function readDockerArchive(files: SpreadArchive, manifest: SpreadFile): Promise<ArchiveImage[]> {
  const source = new ArchiveSource();
  const find = (name: string) => {
    const file = files.get(name.replace(/^\.\//, ""));
    if (file === undefined) throw missing(name);
    source.add(file.digest, file);
    return { digest: file.digest, size: file.size };
  };
  const document = parseJson(await readDocument(manifest, "manifest.json"), "manifest", "manifest.json");
  return check(dockerManifest, document, "manifest", "manifest.json").map((image) => {
    const config = find(image.Config);
    checkName(image.Config, config.digest);
    const digest = source.addManifest({
      schemaVersion: 2,
      mediaType: mediaType.ociManifest,
      config: { mediaType: mediaType.ociConfig, ...config },
      layers: (image.Layers ?? []).map((layer) => ({ mediaType: mediaType.ociLayer, ...find(layer) })),
    });
    return { tags: (image.RepoTags ?? []).map(taggedName), digest, original: false, source };
  });
}

/** The configuration is called by its digest, which nothing else vouches for. */
function checkName(name: string, digest: string): void {
  const hex = /([0-9a-f]{64})(?:\.json)?$/.exec(name)?.[1];
  if (hex !== undefined && `sha256:${hex}` !== digest)
    throw digestMismatch("read image archive", name, `sha256:${hex}`, digest);
}

function taggedName(text: string): string {
  const reference: ImageReference = parseReference(text);
  return `${repositoryName(reference)}:${reference.tag ?? "latest"}`;
}

function missing(name: string): LichenError {
  return new LichenError({
    code: "DATA_LOSS",
    operation: "read image archive",
    object: name,
    reason: "manifest.json names this file and the archive does not have it",
    hint: "write the archive again",
  });
}
