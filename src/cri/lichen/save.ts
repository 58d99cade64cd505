import { LichenError } from "../../errors.ts";
import type { LichenImagesRpc } from "../rpc.ts";

export const save: LichenImagesRpc<"Save"> = (request, { images }) => {
  if (request.images.length > 0) return images.save(request.images);
  throw new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "save images",
    object: "images",
    reason: "no image is named",
  });
};
