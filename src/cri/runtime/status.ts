import { runtimeHandlers } from "../../pod/service.ts";
import { infoOf } from "../messages/info.ts";
import type { RuntimeRpc } from "../rpc.ts";

export const status: RuntimeRpc<"Status"> = (request, { pods, node, config }) => ({
  status: {
    conditions: [
      { type: "RuntimeReady", status: true },
      ...pods.conditions().map(({ type, ok, reason, message }) => ({ type, status: ok, reason, message })),
      // A kubelet needs only RuntimeReady and NetworkReady; these are for people.
      ...node.warnings.map(({ code, message, hint }) => ({
        type: `lichen/${code}`,
        status: false,
        reason: code,
        message: hint === "" ? message : `${message} (${hint})`,
      })),
    ],
  },
  runtimeHandlers: runtimeHandlers.map((name) => ({
    name,
    features: { recursiveReadOnlyMounts: true, userNamespaces: pods.userNamespaces },
  })),
  features: { supplementalGroupsPolicy: true, mountOptions: true },
  info: request.verbose
    ? { node: infoOf(node), config: infoOf(config), confinement: infoOf(pods.nodeConfinement()) }
    : {},
});
