import type { RuntimeRpc } from "../rpc.ts";
import { requiredText } from "../validate.ts";

export const startContainer: RuntimeRpc<"StartContainer"> = async (request, { pods }) => {
  await pods.startContainer(requiredText(request.containerId, "start container", "container_id"));
  return {};
};
