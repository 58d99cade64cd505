import { imageMessage } from "../messages/image.ts";
import { imageInfo } from "../messages/info.ts";
import type { ImageRpc } from "../rpc.ts";
import { requiredText } from "../validate.ts";

/** An image that is not there is no error: the answer then has no image. */
export const imageStatus: ImageRpc<"ImageStatus"> = (request, { images }) => {
  const image = images.status(requiredText(request.image?.image ?? "", "image status", "image.image"));
  if (!image) return {};
  return {
    image: imageMessage(image),
    info: request.verbose ? imageInfo(images.details(image.id)) : {},
  };
};
