import type { ImageRpc } from "../rpc.ts";
import { requiredText } from "../validate.ts";

export const removeImage: ImageRpc<"RemoveImage"> = async (request, { images }) => {
  await images.remove(requiredText(request.image?.image ?? "", "remove image", "image.image"));
  return {};
};
