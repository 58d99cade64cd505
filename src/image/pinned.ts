import type { StoredImage } from "../store/images.ts";
import { formatReference, parseReference } from "./reference.ts";

/**
 * A test for pinned images. `patterns` are references in any form that a pull takes, or the beginning of a normalised name and
 * a "*" ("registry.k8s.io/pause:*"). INVALID_ARGUMENT for what is neither.
 */
export function pinnedBy(patterns: readonly string[]): (image: Pick<StoredImage, "names">) => boolean {
  const exact = new Set<string>();
  const beginnings: string[] = [];
  for (const pattern of patterns) {
    if (pattern.endsWith("*")) beginnings.push(pattern.slice(0, -1));
    else exact.add(formatReference(parseReference(pattern)));
  }
  return ({ names }) =>
    names.some((name) => exact.has(name) || beginnings.some((beginning) => name.startsWith(beginning)));
}
