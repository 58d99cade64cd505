import { encodedContainerStats } from "../messages/container-stats.ts";
import type { RuntimeRpc } from "../rpc.ts";
import { requiredText } from "../validate.ts";

export const containerStats: RuntimeRpc<"ContainerStats"> = async (request, { pods }) => {
  const id = requiredText(request.containerId, "container stats", "container_id");
  return { stats: encodedContainerStats(await pods.containerStats(id)) };
};
