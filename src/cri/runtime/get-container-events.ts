import { eventMessage } from "../messages/event.ts";
import type { RuntimeRpc } from "../rpc.ts";

export const getContainerEvents: RuntimeRpc<"GetContainerEvents"> = async function* (
  _request,
  { pods, images },
  { signal },
) {
  for await (const event of pods.events(signal)) yield eventMessage(event, (id) => images.status(id));
};
