import { mkdirSync } from "node:fs";
import { dirname, isAbsolute, join, relative } from "node:path";
import type { ContainerConfig, PodSandboxConfig } from "#cri";
import { LichenError } from "../../errors.ts";
import type { PodRecord } from "../../store/pods.ts";
import { checkMounts } from "../spec/cri-mounts.ts";

/** Refuses what is wrong with the configuration by itself, before anything is made; answers the container's name in its pod. */
export function checkContainer(pod: PodRecord, config: ContainerConfig): string {
  if (pod.state !== "ready") {
    throw new LichenError({
      code: "FAILED_PRECONDITION",
      operation: "create container",
      object: pod.id,
      reason:
        pod.reason === "" ? "the pod sandbox is stopped" : `the pod sandbox is not ready: ${pod.reason}`,
      hint: "run a new pod sandbox",
    });
  }
  const { metadata } = config;
  if (metadata === null || metadata.name === "") throw invalid("metadata.name", "", "it is empty");
  if (config.CDIDevices.length > 0) {
    throw new LichenError({
      code: "UNIMPLEMENTED",
      operation: "add CDI device",
      object: config.CDIDevices[0]!.name,
      reason: "CDI devices are not built",
      hint: "name the device nodes as devices",
    });
  }
  if (config.windows !== null) throw invalid("windows", "", "lichen runs Linux containers");
  // PodSandboxConfig's `privileged`: "If a privileged container is to be executed within it, this MUST be true."
  const mayBePrivileged = pod.config.linux?.securityContext?.privileged ?? false;
  if (config.linux?.securityContext?.privileged && !mayBePrivileged) {
    throw new LichenError({
      code: "FAILED_PRECONDITION",
      operation: "create container",
      object: metadata.name,
      reason: "it is to be privileged, and its pod sandbox was not made for privileged containers",
      hint: "set linux.security_context.privileged of the pod sandbox as well",
    });
  }
  checkMounts(config.mounts);
  return [pod.id, metadata.name, metadata.attempt].join("/");
}

/**
 * Absolute path of the container's log, its directory made; "" when either part is empty, which means no log. INVALID_ARGUMENT for a
 * path that leads out of the log directory.
 */
export function prepareLog(config: ContainerConfig, pod: PodSandboxConfig): string {
  if (config.logPath === "" || pod.logDirectory === "") return "";
  const path = join(pod.logDirectory, config.logPath);
  const inside = relative(pod.logDirectory, path);
  if (inside === "" || inside.startsWith("..") || !isAbsolute(pod.logDirectory)) {
    throw invalid("log_path", config.logPath, `it leads out of ${pod.logDirectory}`);
  }
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  } catch (error) {
    throw new LichenError({
      code: "FAILED_PRECONDITION",
      operation: "make log directory",
      object: dirname(path),
      reason: String((error as NodeJS.ErrnoException).code),
      hint: "choose a log directory that the user who runs lichen may write",
      cause: error,
    });
  }
  return path;
}

function invalid(member: string, value: string, reason: string): LichenError {
  return new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "check container",
    object: `${member} ${value}`.trim(),
    reason,
  });
}
