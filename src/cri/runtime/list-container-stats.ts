import { encodedContainerStats } from "../messages/container-stats.ts";
import type { RuntimeRpc } from "../rpc.ts";

export const listContainerStats: RuntimeRpc<"ListContainerStats"> = async (request, { pods }) => ({
  stats: (await pods.listContainerStats(request.filter)).map(encodedContainerStats),
});
