import { sandboxInfo } from "../messages/info.ts";
import { sandboxStatusMessage } from "../messages/sandbox.ts";
import type { RuntimeRpc } from "../rpc.ts";
import { requiredText } from "../validate.ts";

export const podSandboxStatus: RuntimeRpc<"PodSandboxStatus"> = (request, { pods }) => {
  const pod = pods.podSandbox(requiredText(request.podSandboxId, "pod sandbox status", "pod_sandbox_id"));
  return { status: sandboxStatusMessage(pod), info: request.verbose ? sandboxInfo(pod) : {} };
};
