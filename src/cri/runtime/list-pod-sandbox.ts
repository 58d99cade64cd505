import { listedSandbox } from "../messages/sandbox.ts";
import type { RuntimeRpc } from "../rpc.ts";

export const listPodSandbox: RuntimeRpc<"ListPodSandbox"> = (request, { pods }) => ({
  items: pods.listPodSandbox(request.filter).map(listedSandbox),
});
