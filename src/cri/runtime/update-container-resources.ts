import type { RuntimeRpc } from "../rpc.ts";
import { required, requiredText } from "../validate.ts";

export const updateContainerResources: RuntimeRpc<"UpdateContainerResources"> = async (request, { pods }) => {
  const operation = "update container resources";
  const id = requiredText(request.containerId, operation, "container_id");
  await pods.updateContainerResources(id, required(request.linux, operation, "linux"));
  return {};
};
