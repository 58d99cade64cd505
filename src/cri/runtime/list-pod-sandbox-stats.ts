import { encodedSandboxStats } from "../messages/sandbox-stats.ts";
import type { RuntimeRpc } from "../rpc.ts";

export const listPodSandboxStats: RuntimeRpc<"ListPodSandboxStats"> = async (request, { pods }) => ({
  stats: (await pods.listPodSandboxStats(request.filter)).map(encodedSandboxStats),
});
