import { sandboxMetricsMessage } from "../messages/metrics.ts";
import type { RuntimeRpc } from "../rpc.ts";

export const listPodSandboxMetrics: RuntimeRpc<"ListPodSandboxMetrics"> = async (_request, { pods }) => ({
  podMetrics: (await pods.listPodSandboxStats()).map(sandboxMetricsMessage),
});
