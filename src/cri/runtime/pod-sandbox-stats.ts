import { encodedSandboxStats } from "../messages/sandbox-stats.ts";
import type { RuntimeRpc } from "../rpc.ts";
import { requiredText } from "../validate.ts";

export const podSandboxStats: RuntimeRpc<"PodSandboxStats"> = async (request, { pods }) => {
  const id = requiredText(request.podSandboxId, "pod sandbox stats", "pod_sandbox_id");
  return { stats: encodedSandboxStats(await pods.podSandboxStats(id)) };
};
