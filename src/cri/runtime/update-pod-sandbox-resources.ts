import type { RuntimeRpc } from "../rpc.ts";
import { requiredText } from "../validate.ts";

export const updatePodSandboxResources: RuntimeRpc<"UpdatePodSandboxResources"> = async (
  { podSandboxId, overhead, resources },
  { pods },
) => {
  const id = requiredText(podSandboxId, "update pod sandbox resources", "pod_sandbox_id");
  await pods.updatePodSandboxResources(id, { overhead, resources });
  return {};
};
