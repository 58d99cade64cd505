import type { Mount } from "#cri";
import type { IdMap } from "../../native/id-map.ts";
import type { PodContext } from "../context.ts";
import type { ImageLayers } from "../spec/image-volumes.ts";
import type { ContainerImage } from "../types.ts";
import type { Undo } from "../undo.ts";

/** Holds the images that a container has as volumes, until it is removed or `undo` runs, and gives their layers. */
export async function holdVolumeImages(
  context: PodContext,
  containerId: string,
  { volumes = new Map() }: ContainerImage,
  idMap: IdMap | undefined,
  undo: Undo,
): Promise<ImageLayers> {
  const layers = new Map<string, readonly string[]>();
  for (const [name, { id, lower }] of volumes) {
    undo.add("keep the image of a volume", () => context.images.release(id, containerId));
    context.images.acquire(id, containerId);
    layers.set(name, idMap ? await context.images.shiftedLower(id, containerId, idMap) : lower);
  }
  return layers;
}

/** Mounts as ContainerStatus tells them: with the digest of the image that each image volume has. */
export function mountsWithDigests(mounts: readonly Mount[], { volumes }: ContainerImage): Mount[] {
  return mounts.map((mount) => {
    const ref = volumes?.get(mount.image?.image ?? "")?.ref;
    return mount.image === null || ref === undefined
      ? mount
      : { ...mount, image: { ...mount.image, imageRef: ref } };
  });
}
