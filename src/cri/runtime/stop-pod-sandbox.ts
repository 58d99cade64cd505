import type { RuntimeRpc } from "../rpc.ts";
import { requiredText } from "../validate.ts";

export const stopPodSandbox: RuntimeRpc<"StopPodSandbox"> = async (request, { pods }) => {
  await pods.stopPodSandbox(requiredText(request.podSandboxId, "stop pod sandbox", "pod_sandbox_id"));
  return {};
};
