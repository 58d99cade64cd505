import type { RuntimeRpc } from "../rpc.ts";
import { requiredText } from "../validate.ts";

export const execSync: RuntimeRpc<"ExecSync"> = async (request, { pods }) => {
  const id = requiredText(request.containerId, "execute", "container_id");
  requiredText(request.cmd[0] ?? "", "execute", "cmd");
  return pods.execSync(id, request.cmd, request.timeout);
};
