import { type Mount, MountPropagation } from "#cri";
import { LichenError } from "../../errors.ts";
import type { RuntimeMount } from "../../oci-runtime.ts";

/** Layer directories (topmost first) of the images that mounts name, by what the mounts call them. */
export type ImageLayers = ReadonlyMap<string, readonly string[]>;

/** Whether a mount shows an image, in place of a path of the node. */
export function isImageVolume(mount: Mount): boolean {
  return (mount.image?.image ?? "") !== "";
}

/** What is wrong with an image volume, whatever the image has in it; undefined when nothing is. */
export function imageVolumeProblem(mount: Mount): string | undefined {
  if (mount.hostPath !== "") return `host_path ${JSON.stringify(mount.hostPath)} is given beside an image`;
  if (mount.propagation !== MountPropagation.PROPAGATION_PRIVATE)
    return "nothing can be mounted on an image: only private propagation makes sense";
  if (mount.imageSubPath.split("/").includes(".."))
    return `image_sub_path ${JSON.stringify(mount.imageSubPath)} contains ".."`;
  return undefined;
}

/**
 * The mount of an image. It is read-only and not executable whatever was asked ("All image mounts are per feature definition readonly",
 * api.proto, Mount.image; the executable bit by Kubernetes' definition of the volume).
 */
export function imageVolume(mount: Mount, destination: string, images: ImageLayers): RuntimeMount {
  const name = mount.image?.image ?? "";
  const lower = images.get(name) ?? [];
  if (lower.length === 0) {
    throw new LichenError({
      code: "FAILED_PRECONDITION",
      operation: "mount image volume",
      object: name,
      reason: "the image has no layers, so there is nothing to mount",
    });
  }
  const layers = lower.map((path) => `lowerdir+=${path}`);
  const part = mount.imageSubPath === "" ? [] : [`lichen.subpath=${mount.imageSubPath}`];
  const options = ["ro", "nosuid", "nodev", "noexec", ...layers, ...part];
  return { destination, type: "overlay", source: name, options };
}
