import { LichenError } from "../errors.ts";
import type { StoredImage, StoredLayer } from "../store/images.ts";
import { chainIds, sha256 } from "./digest.ts";
import { parseImageConfig } from "./image-config.ts";
import type { LayerStore, WantedLayer } from "./layer-store.ts";
import { type Descriptor, parseManifest } from "./manifest.ts";
import { checkPlatform, choosePlatform, localPlatform } from "./platform.ts";
import { formatReference, type ImageReference, repositoryName } from "./reference.ts";
import type { ImageSource } from "./source.ts";
import type { LayerProgress, PullOptions } from "./types.ts";

// An index may point to another index; a chain longer than this is a loop or nonsense.
const maximumIndexDepth = 4;

/** An image as its source describes it, before any layer is fetched. */
export interface RemoteImage {
  /** What the reference led to: the index where there is one. */
  digest: string;
  /** Of the image's own manifest; the same without an index. */
  manifestDigest: string;
  id: string;
  config: string;
  layers: WantedLayer[];
}

/** Where a pull puts what it brings. */
export interface PullTarget {
  layers: LayerStore;
  /** Makes the layers, complete by now, durable. */
  sync: () => Promise<void>;
  save: (image: StoredImage) => void;
}

/** Throws when an image may not come in; asked before any of its layers is fetched. */
export type Admit = (remote: RemoteImage) => Promise<void>;

/**
 * One pull from the manifest to the stored image. The image is stored when all its layers are complete and on disk;
 * of a pull that fails nothing stays.
 */
export async function pullImage(
  reference: ImageReference,
  source: ImageSource,
  target: PullTarget,
  options: PullOptions,
  admit: Admit,
): Promise<{ id: string }> {
  const remote = await describeImage(reference, source, options.signal);
  await admit(remote);
  const chain = remote.layers.map((layer) => layer.chainId);
  target.layers.hold(chain);
  try {
    const image = await bringImage(remote, namesOf(reference, remote.digest), source, target, options);
    await target.sync();
    target.save(image);
  } finally {
    await target.layers.release(chain);
  }
  return { id: remote.id };
}

/** Brings in all layers of an image, which the caller holds; to be stored when they are on disk. */
export async function bringImage(
  remote: RemoteImage,
  names: string[],
  source: ImageSource,
  target: PullTarget,
  options: PullOptions,
): Promise<StoredImage> {
  const layers = await fetchLayers(remote.layers, source, target.layers, options);
  const { id, config } = remote;
  return { id, config, configSize: Buffer.byteLength(config), names, layers };
}

/** Follows indexes to the manifest for this machine, and reads its configuration. */
export async function describeImage(
  reference: ImageReference,
  source: ImageSource,
  signal: AbortSignal | undefined,
): Promise<RemoteImage> {
  let at = reference;
  let digest: string | undefined;
  let isCertain = true;
  for (let depth = 0; depth < maximumIndexDepth; depth++) {
    const object = formatReference(at);
    const fetched = await source.manifest(at, signal);
    digest ??= fetched.digest;
    const manifest = parseManifest(fetched.data, fetched.contentType, object);
    if (manifest.kind === "index") {
      const chosen = choosePlatform(manifest.manifests, localPlatform(), object);
      isCertain = Boolean(chosen.platform);
      at = { registry: reference.registry, repository: reference.repository, digest: chosen.digest };
      continue;
    }
    const data = await source.blob(manifest.config, signal);
    const { diffIds, config } = parseImageConfig(data, manifest.layers.length, object);
    if (!isCertain) checkPlatform(config, localPlatform(), object);
    return {
      digest,
      manifestDigest: fetched.digest,
      id: sha256(data),
      config: Buffer.from(data).toString("utf8"),
      layers: wantedLayers(manifest.layers, diffIds),
    };
  }
  throw new LichenError({
    code: "DATA_LOSS",
    operation: "read index",
    object: formatReference(reference),
    reason: `indexes lead to indexes more than ${maximumIndexDepth} deep`,
  });
}

function wantedLayers(descriptors: readonly Descriptor[], diffIds: readonly string[]): WantedLayer[] {
  const chain = chainIds(diffIds);
  return descriptors.map(({ digest, size }, i) => ({
    content: { digest, size, diffId: diffIds[i] ?? "" },
    chainId: chain[i] ?? "",
    below: chain.slice(0, i).reverse(),
  }));
}

/** Brings all layers in at the same time. The first failure ends the others, and is told when all have ended. */
async function fetchLayers(
  wanted: readonly WantedLayer[],
  source: ImageSource,
  store: LayerStore,
  options: PullOptions,
): Promise<StoredLayer[]> {
  const failure = new AbortController();
  const signal =
    options.signal === undefined ? failure.signal : AbortSignal.any([options.signal, failure.signal]);
  const progress = wanted.map(({ content: { digest, size }, chainId }): LayerProgress => {
    const here = store.has(chainId);
    return { digest, size, received: 0, state: here ? "present" : "coming" };
  });
  const report = () => options.onProgress?.(progress);
  report();
  let first: unknown;
  const results = await Promise.allSettled(
    wanted.map(async (layer, at) => {
      const mine = progress[at]!;
      try {
        const stored = await store.provide(layer, source.layer(mine.digest), signal, (received) => {
          mine.received = received;
          report();
        });
        if (mine.state === "coming") Object.assign(mine, { received: mine.size, state: "done" });
        report();
        return stored;
      } catch (error) {
        first ??= error;
        failure.abort();
        throw error;
      }
    }),
  );
  if (first !== undefined) throw first;
  return results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

/** The digest is always a name; the tag only when it is what was looked up. */
function namesOf(reference: ImageReference, digest: string): string[] {
  const name = repositoryName(reference);
  const byTag = reference.digest === undefined && reference.tag !== undefined;
  return byTag ? [`${name}:${reference.tag}`, `${name}@${digest}`] : [`${name}@${digest}`];
}
