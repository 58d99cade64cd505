import type { Image, Outgoing } from "#cri";
import type { ImageRecord } from "../../image/service.ts";

/** What CRI tells about an image. `uid` or `username` must be there: the kubelet checks runAsNonRoot by them. */
export function imageMessage(image: ImageRecord): Outgoing<Image> {
  return {
    id: image.id,
    repoTags: image.tags,
    repoDigests: image.digests,
    size: image.size,
    uid: image.user.uid === undefined ? undefined : { value: image.user.uid },
    username: image.user.name ?? "",
    pinned: image.pinned,
  };
}
