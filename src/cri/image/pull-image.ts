import type { ImageRpc } from "../rpc.ts";
import { requiredText } from "../validate.ts";

export const pullImage: ImageRpc<"PullImage"> = async (request, { images }, { signal }) => {
  const reference = requiredText(request.image?.image ?? "", "pull image", "image.image");
  const { id } = await images.pull(reference, { signal, ...(request.auth ? { auth: request.auth } : {}) });
  return { imageRef: id };
};
