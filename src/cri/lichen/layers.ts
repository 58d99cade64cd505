import type { Outgoing } from "#cri";
import { type LayerProgress as LayerMessage, LayerProgressState } from "#lichen";
import type { LayerProgress } from "../../image/service.ts";

const states = {
  present: LayerProgressState.PRESENT,
  coming: LayerProgressState.COMING,
  done: LayerProgressState.DONE,
};

/** How far layers have come, as a message. */
export function layerMessages(layers: readonly LayerProgress[]): Outgoing<LayerMessage>[] {
  return layers.map(({ digest, size, received, state }) => ({
    digest,
    size,
    received,
    state: states[state],
  }));
}
