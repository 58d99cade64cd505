import type {
  ContainerConfig,
  ContainerFilter,
  ContainerStatsFilter,
  LinuxContainerResources,
  PodSandboxConfig,
  PodSandboxFilter,
  PodSandboxStatsFilter,
} from "#cri";
import type { ContainerRecord } from "../store/containers.ts";
import type { PodRecord } from "../store/pods.ts";
import { Conditions, uplinkDown } from "./conditions.ts";
import {
  type ContainerConfinement,
  containerConfinement,
  type NodeConfinement,
  nodeConfinement,
} from "./confinement.ts";
import { createContainer } from "./container/create.ts";
import { execSync } from "./container/exec-sync.ts";
import { removeContainer } from "./container/remove.ts";
import { reopenContainerLog } from "./container/reopen-log.ts";
import { startContainer } from "./container/start.ts";
import { containersUsage, writableUsage } from "./container/stats.ts";
import { stopContainer } from "./container/stop.ts";
import { updateContainer } from "./container/update.ts";
import type { PodContext } from "./context.ts";
import type { LifeEvent } from "./events.ts";
import { filterContainers, filterPods } from "./filters.ts";
import { openContext } from "./open.ts";
import { recover } from "./recovery.ts";
import { removePodSandbox } from "./sandbox/remove.ts";
import { runPodSandbox } from "./sandbox/run.ts";
import { podsUsage } from "./sandbox/stats.ts";
import { stopPodSandbox } from "./sandbox/stop.ts";
import { type PodResources, updatePodSandbox } from "./sandbox/update.ts";
import { attach } from "./streams/attach.ts";
import { exec } from "./streams/exec.ts";
import { portForward, readyPod } from "./streams/port-forward.ts";
import { attachableContainer, runningContainer } from "./streams/running.ts";
import type { ClientConnection, ClientStreams } from "./streams/types.ts";
import type {
  Condition,
  ContainerImage,
  ContainerUsage,
  ExecResult,
  PodServiceOptions,
  PodUsage,
} from "./types.ts";
import { type UserNamespaceSupport, userNamespaceSupport } from "./user-namespaces.ts";

export type { ContainerRecord } from "../store/containers.ts";
export type { PodRecord } from "../store/pods.ts";
export type { ContainerConfinement, NodeConfinement } from "./confinement.ts";
export type { LifeEvent } from "./events.ts";
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
  readonly #userNamespaces: UserNamespaceSupport;

  /** Finds again what ran before: reconnects to living monitors, reads the exits of the dead, undoes what was unfinished. */
  static async open(options: PodServiceOptions): Promise<PodService> {
    const conditions = new Conditions(options.log, options);
    const context = openContext(options, conditions);
    const [userNamespaces] = await Promise.all([userNamespaceSupport(options.node.idMap), recover(context)]);
    return new PodService(context, conditions, userNamespaces);
  }

  private constructor(context: PodContext, conditions: Conditions, userNamespaces: UserNamespaceSupport) {
    this.#context = context;
    this.#userNamespaces = userNamespaces;
    this.#conditions = conditions;
  }

  /** Lets go of the monitors without ending anything: pods run on. */
  async close(): Promise<void> {
    this.#context.monitors.close();
    this.#context.hostPorts.close();
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

  /** What confines the container at this moment, or leaves it unconfined, beyond what its configuration says. */
  confinement(id: string): ContainerConfinement {
    return containerConfinement(this.#context, this.container(id), JSON.parse(this.containerSpec(id)));
  }

  /** What this node confines containers with by default, and what it refuses privileged ones. */
  nodeConfinement(): NodeConfinement {
    return nodeConfinement(this.#context);
  }

  /**
   * Runs a command in a running container and collects its output (up to 16 MiB, the rest is read and dropped).
   * With a time-out (seconds, 0: none) a command that takes longer is killed: DEADLINE_EXCEEDED.
   */
  execSync(id: string, command: string[], timeoutSeconds: number): Promise<ExecResult> {
    return execSync(this.#context, id, command, timeoutSeconds);
  }

  /**
   * Runs a command in a running container with a client's streams, and answers its exit code when its output has been passed on.
   * A client that goes away takes it along: its terminal is hung up or its pipes are closed, and after a grace it is killed.
   */
  exec(id: string, command: string[], tty: boolean, client: ClientStreams): Promise<number> {
    return exec(this.#context, id, command, tty, client);
  }

  /** FAILED_PRECONDITION unless exec(), attach() or portForward() would be possible now. Answers the full id. */
  checkStream(kind: "exec" | "attach" | "forward", id: string): string {
    if (kind === "exec") return runningContainer(this.#context, id, "execute in container").id;
    if (kind === "attach") return attachableContainer(this.#context, id).id;
    return readyPod(this.#context, id).id;
  }

  /**
   * Joins a client to a container's own streams until the container has ended or the client has gone. The container never waits for
   * the client: one that does not read fast enough is given up with RESOURCE_EXHAUSTED.
   */
  attach(id: string, client: ClientStreams): Promise<void> {
    return attach(this.#context, id, client);
  }

  /** Joins a client's connection to a port on the loopback of the pod's network, until both directions have ended. */
  portForward(sandboxId: string, client: ClientConnection): Promise<void> {
    return portForward(this.#context, sandboxId, client);
  }

  /** Opens the container's log file anew, after it was rotated. FAILED_PRECONDITION unless it runs. */
  reopenContainerLog(id: string): Promise<void> {
    return reopenContainerLog(this.#context, id);
  }

  /**
   * Changes the limits of a container that has not exited, at once and in the kernel: all of what is asked for, or nothing of it. Zero means
   * "as before", -1 "no limit".
   */
  updateContainerResources(id: string, change: LinuxContainerResources): Promise<void> {
    return updateContainer(this.#context, id, change);
  }

  /** The same for a ready pod as a whole, in a cgroup of lichen's own; a cgroup_parent is its owner's to change, and only noted. */
  updatePodSandboxResources(id: string, change: PodResources): Promise<void> {
    return updatePodSandbox(this.#context, id, change);
  }

  /** What a container uses; of one that does not run only its writable layer is told. */
  async containerStats(id: string): Promise<ContainerUsage> {
    const [usage] = await containersUsage(this.#context, [this.container(id)]);
    return usage!;
  }

  /** Stats of all running containers that pass the filter. */
  listContainerStats(filter?: ContainerStatsFilter | null): Promise<ContainerUsage[]> {
    const found = filterContainers(this.#context, filter ?? null);
    return containersUsage(
      this.#context,
      found.filter(({ state }) => state === "running"),
    );
  }

  /** What a pod and its running containers use; of a pod that is not ready nothing is told. */
  async podSandboxStats(id: string): Promise<PodUsage> {
    const [usage] = await podsUsage(this.#context, [this.podSandbox(id)]);
    return usage!;
  }

  /** Stats of all ready pods that pass the filter. */
  listPodSandboxStats(filter?: PodSandboxStatsFilter | null): Promise<PodUsage[]> {
    const found = filterPods(this.#context, filter ?? null);
    return podsUsage(
      this.#context,
      found.filter(({ state }) => state === "ready"),
    );
  }

  /** The cluster has given this node these ranges for its pods. FAILED_PRECONDITION when their network cannot use them. */
  usePodCidrs(cidrs: readonly string[]): Promise<void> {
    return this.#context.networks.pod.usePodCidrs(cidrs);
  }

  /** What all containers, running or not, have written to their own layers. */
  writableUsage(): Promise<{ bytes: number; inodes: number }> {
    return writableUsage(this.#context);
  }

  /** How many entries the logs of the present containers lack, for want of room. */
  lostLogEntries(): number {
    return [...this.#context.logLost.values()].reduce((sum, lost) => sum + lost, 0);
  }

  /** Every step in the lives of pods and containers from now on, until `signal` is aborted. */
  events(signal: AbortSignal): AsyncIterable<LifeEvent> {
    return this.#context.events.subscribe(signal);
  }

  /** `NetworkReady` first, then what else about pods on this node a person should know. */
  conditions(): Condition[] {
    const { condition } = this.#userNamespaces;
    const { runtimeDir, networks, hostPorts } = this.#context;
    return [
      ...this.#conditions.list(networks.pod, uplinkDown(runtimeDir), hostPorts.lacks()),
      ...(condition === undefined ? [] : [condition]),
    ];
  }

  /** Whether pods can have user namespaces of their own here: tried when the service was opened. */
  get userNamespaces(): boolean {
    return this.#userNamespaces.supported;
  }
}
