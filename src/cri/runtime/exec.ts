import type { RuntimeRpc } from "../rpc.ts";
import { requiredText } from "../validate.ts";

export const exec: RuntimeRpc<"Exec"> = ({ containerId, cmd, ...streams }, { pods, streaming }) => {
  requiredText(containerId, "execute", "container_id");
  requiredText(cmd[0] ?? "", "execute", "cmd");
  const id = pods.checkStream("exec", containerId);
  return { url: streaming.execUrl({ containerId: id, command: cmd, ...streams }) };
};
