import type { LayerProgress } from "../../image/service.ts";
import { progressOf } from "../progress.ts";
import type { LichenImagesRpc } from "../rpc.ts";
import { requiredText } from "../validate.ts";
import { layerMessages } from "./layers.ts";

export const pull: LichenImagesRpc<"Pull"> = async function* (request, { images }, { signal }) {
  const reference = requiredText(request.reference, "pull image", "reference");
  const work = progressOf<readonly LayerProgress[], { id: string }>((onProgress) =>
    images.pull(reference, { signal, onProgress }),
  );
  for (;;) {
    const step = await work.next();
    if (step.done) return yield { imageId: step.value.id };
    yield { layers: layerMessages(step.value) };
  }
};
