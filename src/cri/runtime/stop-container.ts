import type { RuntimeRpc } from "../rpc.ts";
import { requiredText } from "../validate.ts";

export const stopContainer: RuntimeRpc<"StopContainer"> = async (request, { pods }) => {
  const id = requiredText(request.containerId, "stop container", "container_id");
  await pods.stopContainer(id, request.timeout);
  return {};
};
