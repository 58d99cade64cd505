import type { RuntimeRpc } from "../rpc.ts";
import { requiredText } from "../validate.ts";

export const removeContainer: RuntimeRpc<"RemoveContainer"> = async (request, { pods }) => {
  await pods.removeContainer(requiredText(request.containerId, "remove container", "container_id"));
  return {};
};
