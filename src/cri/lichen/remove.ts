import type { LichenImagesRpc } from "../rpc.ts";
import { requiredText } from "../validate.ts";

export const remove: LichenImagesRpc<"Remove"> = async (request, { images }) => {
  const { names, removed } = await images.untag(requiredText(request.image, "remove image", "image"));
  return { names, removedId: removed ?? "" };
};
