import { imageMessage } from "../messages/image.ts";
import type { ImageRpc } from "../rpc.ts";

export const listImages: ImageRpc<"ListImages"> = (request, { images }) => {
  const wanted = request.filter?.image?.image ?? "";
  return { images: (wanted === "" ? images.list() : images.list(wanted)).map(imageMessage) };
};
