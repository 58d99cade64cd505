import { bringImage, describeImage, type PullTarget } from "../pull.ts";
import { parseReference, repositoryName } from "../reference.ts";
import type { LayerProgress } from "../types.ts";
import { readArchive } from "./read.ts";
import { spreadArchive } from "./spread.ts";

export interface LoadOptions {
  signal?: AbortSignal;
  /** Hears of the layers of the image that is being unpacked, as a pull's. */
  onProgress?: (layers: readonly LayerProgress[]) => void;
}

export interface LoadedImage {
  id: string;
  /** Names that the archive gave it; they are no longer those of other images. */
  names: string[];
}

/**
 * Takes all images of an archive, or none if anything in it is wrong: every digest is checked as when pulling. They are recorded one after the
 * other, each whole, when all of them are on the disk. `directory` is empty, on the file system of the layers, and the caller's to remove.
 * `admit` throws when nothing may come in this way.
 */
export async function loadImages(
  data: AsyncIterable<Uint8Array>,
  directory: string,
  target: PullTarget,
  options: LoadOptions,
  admit: (transport: "oci-archive" | "docker-archive") => Promise<void>,
): Promise<LoadedImage[]> {
  const found = await readArchive(await spreadArchive(data, directory));
  for (const { original } of found) await admit(original ? "oci-archive" : "docker-archive");
  const wanted = [];
  for (const { digest, tags, original, source } of found) {
    const remote = await describeImage(
      { registry: "archive", repository: "image", digest },
      source,
      options.signal,
    );
    const repositories = new Set(tags.map((tag) => repositoryName(parseReference(tag))));
    const digests = original ? [...repositories].map((repository) => `${repository}@${digest}`) : [];
    wanted.push({ remote, source, names: [...tags, ...digests] });
  }
  const chain = wanted.flatMap(({ remote }) => remote.layers.map(({ chainId }) => chainId));
  target.layers.hold(chain);
  try {
    const complete = [];
    for (const { remote, source, names } of wanted)
      complete.push(await bringImage(remote, names, source, target, options));
    await target.sync();
    for (const image of complete) target.save(image);
    return complete.map(({ id, names }) => ({ id, names }));
  } finally {
    await target.layers.release(chain);
  }
}
