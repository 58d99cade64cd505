import type {
  ContainerConfig,
  ContainerFilter,
  ContainerStatsFilter,
  PodSandboxConfig,
  PodSandboxFilter,
} from "#cri";
import type { ContainerRecord } from "../store/containers.ts";
import type { PodRecord } from "../store/pods.ts";
import { Conditions } from "./conditions.ts";
import { createContainer } from "./container/create.ts";
import { execSync } from "./container/exec-sync.ts";
import { removeContainer } from "./container/remove.ts";
import { reopenContainerLog } from "./container/reopen-log.ts";
import { startContainer } from "./container/start.ts";
import { containerUsage } from "./container/stats.ts";
import { stopContainer } from "./container/stop.ts";
import type { PodContext } from "./context.ts";
import { filterContainers, filterPods } from "./filters.ts";
import { openContext } from "./open.ts";
import { recover } from "./recovery.ts";
import { removePodSandbox } from "./sandbox/remove.ts";
import { runPodSandbox } from "./sandbox/run.ts";
import { stopPodSandbox } from "./sandbox/stop.ts";
import type { Condition, ContainerImage, ContainerUsage, ExecResult, PodServiceOptions } from "./types.ts";

export type { ContainerReason, ContainerRecord, ContainerState } from "../store/containers.ts";
export type { PodRecord, PodState } from "../store/pods.ts";
export { runtimeHandlers } from "./sandbox/validate.ts";
export type * from "./types.ts";

/**
 * Pods and containers: the whole of what the CRI runtime service needs below gRPC.
 *
 * Ids may be given as any unique prefix. What is asked about a pod or container that does not exist throws NOT_FOUND,
 * except stop and remove, which then succeed, as CRI demands. Work on one pod is serialised; pods run side by side.
 */
export class PodService {
  readonly #context: PodContext;
  readonly #conditions: Conditions;

  /** Finds again what ran before: reconnects to living monitors, reads the exits of the dead, undoes what was unfinished. */
  static async open(options: PodServiceOptions): Promise<PodService> {
    const conditions = new Conditions(options.log);
    const context = openContext(options, conditions);
    await recover(context);
    return new PodService(context, conditions);
  }

  private constructor(context: PodContext, conditions: Conditions) {
    this.#context = context;
    this.#conditions = conditions;
  }

  /** Lets go of the monitors without ending anything: pods run on. */
  async close(): Promise<void> {
    this.#context.monitors.close();
  }

  /** Makes a pod sandbox and answers its id. Whatever fails, everything before it is undone. */
  runPodSandbox(config: PodSandboxConfig, runtimeHandler: string): Promise<string> {
    return runPodSandbox(this.#context, config, runtimeHandler);
  }

  /** Kills the pod's containers, ends its namespaces and gives its addresses back. */
  stopPodSandbox(id: string): Promise<void> {
    return stopPodSandbox(this.#context, id);
  }

  /** Stops the pod and forgets it and its containers. */
  removePodSandbox(id: string): Promise<void> {
    return removePodSandbox(this.#context, id);
  }

  listPodSandbox(filter?: PodSandboxFilter | null): PodRecord[] {
    return filterPods(this.#context, filter ?? null);
  }

  podSandbox(id: string): PodRecord {
    return this.#context.pods.get(id);
  }

  /** Makes a container, up to but without the execve of its first process, and answers its id. */
  createContainer(
    sandboxId: string,
    config: ContainerConfig,
    sandboxConfig: PodSandboxConfig | null,
    image: ContainerImage,
  ): Promise<string> {
    return createContainer(this.#context, sandboxId, config, sandboxConfig, image);
  }

  startContainer(id: string): Promise<void> {
    return startContainer(this.#context, id);
  }

  /** Sends the stop signal, waits up to the time-out (seconds, 0: none), then kills every process of the container. */
  stopContainer(id: string, timeoutSeconds: number): Promise<void> {
    return stopContainer(this.#context, id, timeoutSeconds);
  }

  /** Removes the container, killing it if it runs. */
  removeContainer(id: string): Promise<void> {
    return removeContainer(this.#context, id);
  }

  listContainers(filter?: ContainerFilter | null): ContainerRecord[] {
    return filterContainers(this.#context, filter ?? null);
  }

  container(id: string): ContainerRecord {
    return this.#context.containers.get(id);
  }

  /** The OCI runtime spec that the container was made from, as JSON. */
  containerSpec(id: string): string {
    return this.#context.containerStore.spec(this.container(id).id) ?? "{}";
  }

  /**
   * Runs a command in a running container and collects its output (each stream up to 16 MiB, the rest is read and dropped).
   * With a time-out (seconds, 0: none) a command that takes longer is killed: DEADLINE_EXCEEDED.
   */
  execSync(id: string, command: string[], timeoutSeconds: number): Promise<ExecResult> {
    return execSync(this.#context, id, command, timeoutSeconds);
  }

  /** Opens the container's log file anew, after it was rotated. FAILED_PRECONDITION unless it runs. */
  reopenContainerLog(id: string): Promise<void> {
    return reopenContainerLog(this.#context, id);
  }

  containerStats(id: string): Promise<ContainerUsage> {
    return containerUsage(this.#context, this.container(id));
  }

  /** Stats of all running containers that pass the filter. */
  listContainerStats(filter?: ContainerStatsFilter | null): Promise<ContainerUsage[]> {
    const running = filterContainers(this.#context, filter ?? null).filter(
      ({ state }) => state === "running",
    );
    return Promise.all(running.map((container) => containerUsage(this.#context, container)));
  }

  /** `NetworkReady` first, then what else about pods on this node a person should know. */
  conditions(): Condition[] {
    return this.#conditions.list(this.#context.networks.pod);
  }
}
