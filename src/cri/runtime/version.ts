import type { RuntimeRpc } from "../rpc.ts";

export const version: RuntimeRpc<"Version"> = (_request, context) => ({
  // The version of the kubelet's runtime API, not of CRI; every runtime answers this one.
  version: "0.1.0",
  runtimeName: "lichen",
  runtimeVersion: context.version,
  runtimeApiVersion: "v1",
});
