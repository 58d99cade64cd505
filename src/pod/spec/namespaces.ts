import { type LinuxContainerSecurityContext, NamespaceMode, type NamespaceOption } from "#cri";
import { LichenError } from "../../errors.ts";

/** Which of a pod's namespaces are its own; `pid: "pod"` is one PID namespace shared by its containers. */
export interface PodNamespaces {
  network: "pod" | "node";
  ipc: "pod" | "node";
  pid: "container" | "pod" | "node";
}

/** Reads the pod's namespace options. INVALID_ARGUMENT for a mode that CRI does not give a pod. */
export function podNamespaces(options: NamespaceOption | null): PodNamespaces {
  if (options === null) return { network: "pod", ipc: "pod", pid: "pod" };
  return {
    network: podOrNode("network", options.network),
    ipc: podOrNode("ipc", options.ipc),
    pid: options.pid === NamespaceMode.CONTAINER ? "container" : podOrNode("pid", options.pid),
  };
}

function podOrNode(namespace: string, mode: NamespaceMode): "pod" | "node" {
  if (mode === NamespaceMode.POD) return "pod";
  if (mode === NamespaceMode.NODE) return "node";
  throw refusal(namespace, mode, "INVALID_ARGUMENT", "a pod's is POD or NODE");
}

export type ContainerPid =
  | { pid: "container" | "pod" | "node"; targetId: "" }
  | { pid: "target"; targetId: string };

/**
 * The container's PID namespace: its own option, or the pod's where it says nothing. FAILED_PRECONDITION for the pod's shared
 * namespace in a pod that was made without one.
 */
export function containerPid(
  context: LinuxContainerSecurityContext | null,
  pod: PodNamespaces,
): ContainerPid {
  const options = context?.namespaceOptions ?? null;
  if (options === null) return { pid: pod.pid, targetId: "" };
  if (options.pid === NamespaceMode.CONTAINER) return { pid: "container", targetId: "" };
  if (options.pid === NamespaceMode.TARGET) {
    if (options.targetId !== "") return { pid: "target", targetId: options.targetId };
    throw refusal("pid", options.pid, "INVALID_ARGUMENT", "target_id is empty");
  }
  const pid = podOrNode("pid", options.pid);
  if (pid === pod.pid) return { pid, targetId: "" };
  throw refusal("pid", options.pid, "FAILED_PRECONDITION", `the pod sandbox was made with pid: ${pod.pid}`);
}

/**
 * Refuses user namespaces of a pod's own, after the checks that tell a wrong request from one that is not supported.
 */
export function refuseUserNamespace(options: NamespaceOption | null): void {
  const user = options?.usernsOptions ?? null;
  if (user === null || user.mode === NamespaceMode.NODE) {
    if (user !== null && user.uids.length + user.gids.length > 0) {
      throw refusal(
        "user",
        user.mode,
        "INVALID_ARGUMENT",
        "mappings make no sense in the node's user namespace",
      );
    }
    return;
  }
  if (user.mode !== NamespaceMode.POD) {
    throw refusal("user", user.mode, "INVALID_ARGUMENT", "a pod's is POD or NODE");
  }
  for (const [kind, mappings] of [["uids", user.uids] as const, ["gids", user.gids] as const]) {
    if (mappings.length !== 1) {
      throw refusal("user", user.mode, "INVALID_ARGUMENT", `${kind} must hold exactly one mapping`);
    }
    const [mapping] = mappings;
    if (mapping!.containerId !== 0 || mapping!.length === 0) {
      throw refusal("user", user.mode, "INVALID_ARGUMENT", `${kind} must map id 0 of the container`);
    }
  }
  throw refusal("user", user.mode, "UNIMPLEMENTED", "pods with a user namespace of their own are not built");
}

function refusal(
  namespace: string,
  mode: NamespaceMode,
  code: "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "UNIMPLEMENTED",
  reason: string,
): LichenError {
  const name = Object.entries(NamespaceMode).find(([, value]) => value === mode)?.[0] ?? String(mode);
  return new LichenError({ code, operation: "choose namespace", object: `${namespace} ${name}`, reason });
}
