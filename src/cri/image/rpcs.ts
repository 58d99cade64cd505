import type { ImageRpcs } from "../rpc.ts";
import { imageFsInfo } from "./image-fs-info.ts";
import { imageStatus } from "./image-status.ts";
import { listImages } from "./list-images.ts";
import { pullImage } from "./pull-image.ts";
import { removeImage } from "./remove-image.ts";
import { streamImages } from "./stream-images.ts";

/** What ImageService answers. */
export const imageRpcs: ImageRpcs = {
  PullImage: pullImage,
  ListImages: listImages,
  StreamImages: streamImages,
  ImageStatus: imageStatus,
  RemoveImage: removeImage,
  ImageFsInfo: imageFsInfo,
};
