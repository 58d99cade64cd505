import type { LoadRequest } from "#lichen";
import type { LayerProgress } from "../../image/service.ts";
import { progressOf } from "../progress.ts";
import type { LichenImagesRpc } from "../rpc.ts";
import { layerMessages } from "./layers.ts";

export const load: LichenImagesRpc<"Load"> = async function* (requests, { images }, { signal }) {
  const work = progressOf<readonly LayerProgress[], { id: string; names: string[] }[]>((onProgress) =>
    images.load(bytesOf(requests), { signal, onProgress }),
  );
  for (;;) {
    const step = await work.next();
    if (step.done) return yield { images: step.value };
    yield { layers: layerMessages(step.value) };
  }
};

async function* bytesOf(requests: AsyncIterable<LoadRequest>): AsyncGenerator<Uint8Array> {
  for await (const { data } of requests) yield data;
}
