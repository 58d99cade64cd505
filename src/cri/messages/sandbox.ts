import { type Outgoing, type PodSandbox, PodSandboxState, type PodSandboxStatus } from "#cri";
import type { PodRecord } from "../../pod/service.ts";
import { encodedOnce } from "./encoded-once.ts";

/** What ListPodSandbox tells about a pod. */
export const listedSandbox = encodedOnce<PodRecord, PodSandbox>("PodSandbox", sandboxMessage);

export function sandboxMessage(pod: PodRecord): Outgoing<PodSandbox> {
  return {
    id: pod.id,
    metadata: pod.config.metadata,
    state: stateOf(pod),
    createdAt: String(pod.createdAt),
    labels: pod.config.labels,
    annotations: pod.config.annotations,
    runtimeHandler: pod.runtimeHandler,
  };
}

/** What PodSandboxStatus tells about a pod. A pod on the node's network has no address of its own to tell. */
export function sandboxStatusMessage(pod: PodRecord): Outgoing<PodSandboxStatus> {
  const [ip = "", ...additional] = pod.ips;
  return {
    ...sandboxMessage(pod),
    network: { ip, additionalIps: additional.map((address) => ({ ip: address })) },
    linux: { namespaces: { options: pod.config.linux?.securityContext?.namespaceOptions ?? null } },
  };
}

function stateOf(pod: PodRecord): PodSandboxState {
  return pod.state === "ready" ? PodSandboxState.SANDBOX_READY : PodSandboxState.SANDBOX_NOTREADY;
}
