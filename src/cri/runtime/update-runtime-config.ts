import { isIP } from "node:net";
import { LichenError } from "../../errors.ts";
import type { RuntimeRpc } from "../rpc.ts";

/** The pod CIDR is one range, or one a family with a comma between them (api.proto, NetworkConfig). */
export const updateRuntimeConfig: RuntimeRpc<"UpdateRuntimeConfig"> = async (request, { pods }) => {
  const text = request.runtimeConfig?.networkConfig?.podCidr ?? "";
  const cidrs = text
    .split(",")
    .map((cidr) => cidr.trim())
    .filter(Boolean);
  for (const cidr of cidrs) checkCidr(cidr);
  if (cidrs.length > 0) await pods.usePodCidrs(cidrs);
  return {};
};

function checkCidr(cidr: string): void {
  const [address = "", prefix = "", ...rest] = cidr.split("/");
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  if (rest.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits) return;
  throw new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "update runtime configuration",
    object: `pod CIDR ${JSON.stringify(cidr)}`,
    reason: "not a range such as 10.1.0.0/24",
  });
}
