import type { LichenImagesRpc } from "../rpc.ts";

export const prune: LichenImagesRpc<"Prune"> = ({ all, dryRun }, { images }) => images.prune({ all, dryRun });
