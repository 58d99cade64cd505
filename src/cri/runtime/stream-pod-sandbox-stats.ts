import { encodedSandboxStats } from "../messages/sandbox-stats.ts";
import { parts } from "../parts.ts";
import type { RuntimeRpc } from "../rpc.ts";

/** What ListPodSandboxStats answers, in parts. */
export const streamPodSandboxStats: RuntimeRpc<"StreamPodSandboxStats"> = async function* (
  request,
  { pods },
) {
  for (const part of parts(await pods.listPodSandboxStats(request.filter), 32))
    yield { podSandboxStats: part.map(encodedSandboxStats) };
};
