import { LichenError } from "../../errors.ts";
import type { RuntimeRpc } from "../rpc.ts";

/** Pods take their addresses from `network.subnet` of the configuration, so another range is refused, not ignored. */
export const updateRuntimeConfig: RuntimeRpc<"UpdateRuntimeConfig"> = (request, { config }) => {
  const wanted = request.runtimeConfig?.networkConfig?.podCidr ?? "";
  if (wanted === "" || wanted === config.network.subnet) return {};
  throw new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "update runtime configuration",
    object: `pod CIDR ${wanted}`,
    reason: `pods of this node take their addresses from ${config.network.subnet}`,
    hint: `set network.subnet = "${wanted}" in the configuration and restart lichen`,
  });
};
