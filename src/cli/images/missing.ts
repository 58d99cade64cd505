import { LichenError } from "../../errors.ts";

/** A person who mistyped wants to know, where CRI calls it a success. */
export function noImage(operation: string, image: string): LichenError {
  return new LichenError({
    code: "NOT_FOUND",
    operation,
    object: image,
    reason: "there is no such image",
    hint: "list images with: lichen images",
  });
}
