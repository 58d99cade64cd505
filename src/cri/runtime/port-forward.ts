import type { RuntimeRpc } from "../rpc.ts";
import { requiredText } from "../validate.ts";

export const portForward: RuntimeRpc<"PortForward"> = ({ podSandboxId, port }, { pods, streaming }) => {
  requiredText(podSandboxId, "forward ports", "pod_sandbox_id");
  const id = pods.checkStream("forward", podSandboxId);
  return { url: streaming.portForwardUrl({ podSandboxId: id, ports: port }) };
};
