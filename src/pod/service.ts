import type {
  ContainerConfig,
  ContainerFilter,
  ContainerStatsFilter,
  PodSandboxConfig,
  PodSandboxFilter,
} from "#cri";
import { LichenError } from "../errors.ts";
import type { ContainerRecord } from "../store/containers.ts";
import type { PodRecord } from "../store/pods.ts";
import type { Condition, ContainerImage, ContainerUsage, ExecResult, PodServiceOptions } from "./types.ts";

export type { ContainerReason, ContainerRecord, ContainerState } from "../store/containers.ts";
export type { PodRecord, PodState } from "../store/pods.ts";
export type * from "./types.ts";

/**
 * Pods and containers: the whole of what the CRI runtime service needs below gRPC.
 *
 * Ids may be given as any unique prefix. What is asked about a pod or container that does not exist throws NOT_FOUND,
 * except stop and remove, which then succeed, as CRI demands. Work on one pod is serialised; pods run side by side.
 */
export class PodService {
  /** Finds again what ran before: reconnects to living monitors, reads the exits of the dead, undoes what was unfinished. */
  static async open(_options: PodServiceOptions): Promise<PodService> {
    return new PodService();
  }

  /** Lets go of the monitors without ending anything: pods run on. */
  async close(): Promise<void> {}

  /** Makes a pod sandbox and answers its id. Whatever fails, everything before it is undone. */
  async runPodSandbox(_config: PodSandboxConfig, _runtimeHandler: string): Promise<string> {
    throw unbuilt("run pod sandbox");
  }

  /** Kills the pod's containers, ends its namespaces and gives its addresses back. */
  async stopPodSandbox(_id: string): Promise<void> {
    throw unbuilt("stop pod sandbox");
  }

  /** Stops the pod and forgets it and its containers. */
  async removePodSandbox(_id: string): Promise<void> {
    throw unbuilt("remove pod sandbox");
  }

  listPodSandbox(_filter?: PodSandboxFilter | null): PodRecord[] {
    throw unbuilt("list pod sandboxes");
  }

  podSandbox(_id: string): PodRecord {
    throw unbuilt("pod sandbox status");
  }

  /** Makes a container, up to but without the execve of its first process, and answers its id. */
  async createContainer(
    _sandboxId: string,
    _config: ContainerConfig,
    _sandboxConfig: PodSandboxConfig,
    _image: ContainerImage,
  ): Promise<string> {
    throw unbuilt("create container");
  }

  async startContainer(_id: string): Promise<void> {
    throw unbuilt("start container");
  }

  /** Sends the stop signal, waits up to the time-out (seconds, 0: none), then kills every process of the container. */
  async stopContainer(_id: string, _timeoutSeconds: number): Promise<void> {
    throw unbuilt("stop container");
  }

  /** Removes the container, killing it if it runs. */
  async removeContainer(_id: string): Promise<void> {
    throw unbuilt("remove container");
  }

  listContainers(_filter?: ContainerFilter | null): ContainerRecord[] {
    throw unbuilt("list containers");
  }

  container(_id: string): ContainerRecord {
    throw unbuilt("container status");
  }

  /** The OCI runtime spec that the container was made from, as JSON. */
  containerSpec(_id: string): string {
    throw unbuilt("container spec");
  }

  /**
   * Runs a command in a running container and collects its output (each stream up to 16 MiB, the rest is read and dropped).
   * With a time-out (seconds, 0: none) a command that takes longer is killed: DEADLINE_EXCEEDED.
   */
  async execSync(_id: string, _command: string[], _timeoutSeconds: number): Promise<ExecResult> {
    throw unbuilt("execute");
  }

  /** Opens the container's log file anew, after it was rotated. */
  async reopenContainerLog(_id: string): Promise<void> {
    throw unbuilt("reopen container log");
  }

  async containerStats(_id: string): Promise<ContainerUsage> {
    throw unbuilt("container stats");
  }

  /** Stats of all running containers that pass the filter. */
  async listContainerStats(_filter?: ContainerStatsFilter | null): Promise<ContainerUsage[]> {
    throw unbuilt("list container stats");
  }

  /** `NetworkReady` first, then what else about pods on this node a person should know. */
  conditions(): Condition[] {
    return [];
  }
}

function unbuilt(operation: string): LichenError {
  return new LichenError({ code: "UNIMPLEMENTED", operation, object: "", reason: "not built yet" });
}
