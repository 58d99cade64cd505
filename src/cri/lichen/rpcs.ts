import type { LichenImagesRpcs } from "../rpc.ts";
import { load } from "./load.ts";
import { prune } from "./prune.ts";
import { pull } from "./pull.ts";
import { remove } from "./remove.ts";
import { save } from "./save.ts";

/** What lichen.v1.Images answers. */
export const lichenImagesRpcs: LichenImagesRpcs = {
  Pull: pull,
  Remove: remove,
  Prune: prune,
  Load: load,
  Save: save,
};
