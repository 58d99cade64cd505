import { contractJson } from "../../../proto/contract.ts";
import type { ImageDetails } from "../../image/service.ts";
import type { ContainerConfinement, ContainerRecord, PodRecord } from "../../pod/service.ts";

/** The value of an entry of a verbose answer's `info` map: JSON, which crictl shows as a tree. */
export function infoOf(value: unknown): string {
  return JSON.stringify(value, (_key, part) => (typeof part === "bigint" ? String(part) : part));
}

/** Verbose information about a pod, under the names that containerd uses (`crictl inspectp`). */
export function sandboxInfo(pod: PodRecord): Record<string, string> {
  return {
    info: infoOf({
      pid: pod.monitorPid,
      cgroup: pod.cgroup,
      ips: pod.ips,
      reason: pod.reason,
      runtimeHandler: pod.runtimeHandler,
      config: contractJson("PodSandboxConfig", pod.config),
    }),
  };
}

/** Verbose information about a container; `spec` is its OCI runtime spec as JSON (`crictl inspect`). */
export function containerInfo(
  container: ContainerRecord,
  spec: string,
  confinement: ContainerConfinement,
): Record<string, string> {
  return {
    info: infoOf({
      sandboxID: container.sandboxId,
      pid: container.pid,
      cgroup: container.cgroup,
      ...confinement,
      config: contractJson("ContainerConfig", container.config),
      runtimeSpec: JSON.parse(spec),
    }),
  };
}

/** Verbose information about an image, under the names that containerd uses (`crictl inspecti`), and its layers, bottom first. */
export function imageInfo({ layers, ...details }: ImageDetails): Record<string, string> {
  return { info: infoOf({ chainID: layers.at(-1)?.chainId ?? "", ...details, layers }) };
}
