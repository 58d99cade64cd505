import type { RuntimeRpc } from "../rpc.ts";
import { requiredText } from "../validate.ts";

export const removePodSandbox: RuntimeRpc<"RemovePodSandbox"> = async (request, { pods }) => {
  await pods.removePodSandbox(requiredText(request.podSandboxId, "remove pod sandbox", "pod_sandbox_id"));
  return {};
};
