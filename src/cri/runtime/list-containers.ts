import { listedContainer } from "../messages/container.ts";
import type { RuntimeRpc } from "../rpc.ts";

export const listContainers: RuntimeRpc<"ListContainers"> = (request, { pods }) => ({
  containers: pods.listContainers(request.filter).map(listedContainer),
});
