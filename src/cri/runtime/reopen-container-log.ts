import type { RuntimeRpc } from "../rpc.ts";
import { requiredText } from "../validate.ts";

export const reopenContainerLog: RuntimeRpc<"ReopenContainerLog"> = async (request, { pods }) => {
  await pods.reopenContainerLog(requiredText(request.containerId, "reopen container log", "container_id"));
  return {};
};
