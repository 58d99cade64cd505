import type { RuntimeRpc } from "../rpc.ts";
import { requiredText } from "../validate.ts";

export const attach: RuntimeRpc<"Attach"> = ({ containerId, ...streams }, { pods, streaming }) => {
  requiredText(containerId, "attach", "container_id");
  const id = pods.checkStream("attach", containerId);
  return { url: streaming.attachUrl({ containerId: id, ...streams }) };
};
