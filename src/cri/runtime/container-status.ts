import { containerStatusMessage } from "../messages/container.ts";
import { containerInfo } from "../messages/info.ts";
import type { RuntimeRpc } from "../rpc.ts";
import { requiredText } from "../validate.ts";

export const containerStatus: RuntimeRpc<"ContainerStatus"> = (request, { pods, images }) => {
  const container = pods.container(requiredText(request.containerId, "container status", "container_id"));
  const status = containerStatusMessage(container, images.status(container.image.id));
  const { id } = container;
  const info = request.verbose ? containerInfo(container, pods.containerSpec(id), pods.confinement(id)) : {};
  return { status, info };
};
