import { createReadStream } from "node:fs";
import { join } from "node:path";
import type { StoredImage } from "../../store/images.ts";
import { hexOf, sha256 } from "../digest.ts";
import { parseImageConfig } from "../image-config.ts";
import type { Descriptor } from "../manifest.ts";
import { mediaType } from "../media-types.ts";
import { parseReference, repositoryName } from "../reference.ts";
import type { PackedLayer } from "./pack-layer.ts";
import { tarEnd, tarHeader, tarPadding } from "./tar-writer.ts";

export interface SavedImage {
  id: string;
  /** Its id in the archive: another one when its layers' archives are not those that were pulled. */
  savedId: string;
  names: string[];
}

/** An archive ready to be written. */
export interface SavedArchive {
  images: SavedImage[];
  /** The archive's bytes; to be read once. */
  data: AsyncIterable<Uint8Array>;
}

interface Blob {
  digest: string;
  size: number;
  /** In memory, or in a file. */
  content: Uint8Array | string;
}

const chunkBytes = 512 * 1024;

/**
 * Makes an archive of images that is an OCI layout (image-spec, image-layout.md) and a docker-archive in one: both documents lead to
 * the same blobs. Layers are archived anew, since their blobs are not kept; where that gives other bytes than were pulled, the image has
 * a configuration of its own with the new diff ids, and so another id. `pack` archives the layer of a chain id into a file.
 */
export async function saveImages(
  images: readonly StoredImage[],
  pack: (chainId: string, file: string) => Promise<PackedLayer>,
  directory: string,
): Promise<SavedArchive> {
  const packed = new Map<string, Promise<Blob>>();
  const packOnce = (chainId: string): Promise<Blob> => {
    const file = join(directory, hexOf(chainId));
    const blob =
      packed.get(chainId) ??
      pack(chainId, file).then(({ diffId, size }) => ({ digest: diffId, size, content: file }));
    packed.set(chainId, blob);
    return blob;
  };
  const blobs = new Map<string, Blob>();
  const add = (blob: Blob): Blob => {
    blobs.set(blob.digest, blob);
    return blob;
  };
  const index: object[] = [];
  const docker: object[] = [];
  const saved: SavedImage[] = [];
  for (const image of images) {
    const layers = (await Promise.all(image.layers.map(({ chainId }) => packOnce(chainId)))).map(add);
    const config = add(document(configOf(image, layers)));
    const manifest = add(
      document(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: mediaType.ociManifest,
          config: descriptor(mediaType.ociConfig, config),
          layers: layers.map((layer) => descriptor(mediaType.ociLayer, layer)),
        }),
      ),
    );
    index.push(...indexEntries(image.names, descriptor(mediaType.ociManifest, manifest)));
    docker.push({ Config: path(config), RepoTags: image.names, Layers: layers.map(path) });
    saved.push({ id: image.id, savedId: config.digest, names: image.names });
  }
  const documents: [string, string][] = [
    ["oci-layout", JSON.stringify({ imageLayoutVersion: "1.0.0" })],
    ["index.json", JSON.stringify({ schemaVersion: 2, mediaType: mediaType.ociIndex, manifests: index })],
    ["manifest.json", JSON.stringify(docker)],
  ];
  return { images: saved, data: archive(documents, [...blobs.values()]) };
}

/** The configuration as it was pulled, unless the layers came out differently. */
function configOf(image: StoredImage, layers: readonly Blob[]): string {
  const diffIds = layers.map(({ digest }) => digest);
  const before = parseImageConfig(Buffer.from(image.config), layers.length, image.id).diffIds;
  if (before.every((diffId, at) => diffId === diffIds[at])) return image.config;
  return JSON.stringify({ ...JSON.parse(image.config), rootfs: { type: "layers", diff_ids: diffIds } });
}

/** One entry a name: the tag where other programs look for it, the whole name where containerd and docker do. */
function indexEntries(names: readonly string[], manifest: Descriptor): object[] {
  if (names.length === 0) return [manifest];
  return names.map((name) => ({
    ...manifest,
    annotations: {
      "io.containerd.image.name": name,
      "org.opencontainers.image.ref.name": name.slice(repositoryName(parseReference(name)).length + 1),
    },
  }));
}

function document(text: string): Blob {
  const content = Buffer.from(text);
  return { digest: sha256(content), size: content.length, content };
}

function descriptor(type: string, { digest, size }: Blob): Descriptor {
  return { mediaType: type, digest, size };
}

function path({ digest }: Blob): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

async function* archive(documents: [string, string][], blobs: readonly Blob[]): AsyncGenerator<Uint8Array> {
  for (const [name, text] of documents) yield* file(name, Buffer.from(text));
  for (const name of ["blobs/", "blobs/sha256/"])
    yield tarHeader({ ...plain, path: name, type: "directory", mode: 0o755 });
  for (const blob of blobs) {
    if (typeof blob.content !== "string") yield* file(path(blob), blob.content);
    else {
      yield tarHeader({ ...plain, path: path(blob), type: "file", size: blob.size });
      yield* createReadStream(blob.content, { highWaterMark: chunkBytes }) as AsyncIterable<Uint8Array>;
      yield tarPadding(blob.size);
    }
  }
  yield tarEnd;
}

const plain = { mode: 0o644, uid: 0, gid: 0, mtime: 0n } as const;

function* file(name: string, content: Uint8Array): Generator<Uint8Array> {
  yield Buffer.concat([
    tarHeader({ ...plain, path: name, type: "file", size: content.length }),
    content,
    tarPadding(content.length),
  ]);
}
