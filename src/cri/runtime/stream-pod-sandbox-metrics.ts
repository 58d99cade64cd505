import { sandboxMetricsMessage } from "../messages/metrics.ts";
import { parts } from "../parts.ts";
import type { RuntimeRpc } from "../rpc.ts";

/** What ListPodSandboxMetrics answers, in parts. */
export const streamPodSandboxMetrics: RuntimeRpc<"StreamPodSandboxMetrics"> = async function* (
  _request,
  { pods },
) {
  for (const part of parts(await pods.listPodSandboxStats(), 16))
    yield { podSandboxMetrics: part.map(sandboxMetricsMessage) };
};
