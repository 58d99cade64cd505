import type { RuntimeRpc } from "../rpc.ts";
import { required } from "../validate.ts";

export const runPodSandbox: RuntimeRpc<"RunPodSandbox"> = async (request, { pods }) => ({
  podSandboxId: await pods.runPodSandbox(
    required(request.config, "run pod sandbox", "config"),
    request.runtimeHandler,
  ),
});
