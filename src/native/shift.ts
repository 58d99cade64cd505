import { LichenError } from "../errors.ts";
import { native } from "./addon.ts";
import { nativeCode } from "./failure.ts";
import type { IdMap } from "./id-map.ts";

/** What a copy amounts to: content in bytes, how much of it shares its place on the disk with the source, and files. */
export interface ShiftSummary {
  bytes: number;
  shared: number;
  inodes: number;
}

/**
 * Copies a directory tree into an empty directory of the same file system, each file with the owner that the map gives it. Blocks.
 * FAILED_PRECONDITION for a file whose owner the map does not have.
 */
export function shiftTree(source: string, destination: string, map: IdMap): ShiftSummary {
  try {
    return native((raw) => raw.shiftTree(source, destination, map.uids, map.gids));
  } catch (error) {
    if (nativeCode(error) !== "ID_OUTSIDE_MAP" || !(error instanceof LichenError)) throw error;
    const { code, operation, object, reason, cause } = error;
    const hint = "give the pod a longer mapping, or run it in the node's user namespace";
    throw new LichenError({ code, operation, object, reason, cause, hint });
  }
}
