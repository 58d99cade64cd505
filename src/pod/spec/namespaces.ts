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

function refusal(
  namespace: string,
  mode: NamespaceMode,
  code: "INVALID_ARGUMENT" | "FAILED_PRECONDITION",
  reason: string,
): LichenError {
  const name = Object.entries(NamespaceMode).find(([, value]) => value === mode)?.[0] ?? String(mode);
  return new LichenError({ code, operation: "choose namespace", object: `${namespace} ${name}`, reason });
}
