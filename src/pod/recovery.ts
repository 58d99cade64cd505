import { join } from "node:path";
import { LichenError } from "../errors.ts";
import { removeDirectory } from "../native/layer.ts";
import type { ContainerState, HelloReply } from "../native/monitor-wire.ts";
import { entries } from "../quiet-files.ts";
import type { ContainerRecord } from "../store/containers.ts";
import type { PodRecord } from "../store/pods.ts";
import { containerExited, lostContainer } from "./container/exited.ts";
import { deleteContainer } from "./container/remove.ts";
import { type PodContext, podDirectory } from "./context.ts";
import { containersOf } from "./filters.ts";
import { shortId } from "./ids.ts";
import { removePodDirectory } from "./sandbox/directory.ts";
import { detachNetwork, podsWithPorts, releaseNetwork, verifyNetwork } from "./sandbox/network.ts";
import { endPod } from "./sandbox/stop.ts";

/**
 * Finds out what became of everything while no daemon ran: reconnects to living monitors, reads the exits of the dead, undoes what was
 * being made, and removes what belongs to nobody.
 */
export async function recover(context: PodContext): Promise<void> {
  await Promise.all(context.pods.all().map((pod) => recoverPod(context, pod)));
  await recoverNetworks(context);
  await removeStrays(context);
}

async function recoverPod(context: PodContext, pod: PodRecord): Promise<void> {
  try {
    if (pod.state === "creating") await undoPod(context, pod);
    else if (pod.state === "ready") await rejoinPod(context, pod, "the monitor died while no daemon ran");
    await undoContainers(context, pod.id);
  } catch (error) {
    context.log.error({ err: error, pod: pod.id }, "could not recover pod sandbox");
  }
}

/** Networks and host ports give back what belongs to no living pod. */
async function recoverNetworks(context: PodContext): Promise<void> {
  const living = context.pods.all().filter(({ state }) => state === "ready");
  const ids = living.map(({ id }) => id);
  for (const driver of Object.values(context.networks)) {
    await driver.recover(ids).catch((error: unknown) => {
      context.log.error({ err: error }, "could not recover a network");
    });
  }
  await Promise.all(living.map((pod) => verifyNetwork(context, pod)));
  await context.hostPorts.recover(podsWithPorts(living)).catch((error: unknown) => {
    context.log.error({ err: error }, "could not recover host ports");
  });
}

/** Connects to the pod's monitor and takes over what it knows; without a monitor the pod is at its end, for `reason`. */
export async function rejoinPod(context: PodContext, pod: PodRecord, reason: string): Promise<void> {
  let hello: HelloReply;
  try {
    hello = await context.monitors.connect(pod.id, podDirectory(context, pod.id));
  } catch (error) {
    const failure = error instanceof LichenError ? `: ${error.message}` : "";
    context.log.debug({ pod: pod.id }, `no monitor answers${failure}`);
    await endPod(context, pod, reason);
    return;
  }
  context.pods.update(pod.id, { monitorPid: hello.pid });
  const states = new Map(hello.containers.map((state) => [state.container, state]));
  for (const container of containersOf(context, pod.id)) {
    takeState(context, container, states.get(container.id));
  }
}

/** Brings a container's record up to what its monitor says; one that the monitor does not know has ended before. */
function takeState(context: PodContext, container: ContainerRecord, state: ContainerState | undefined): void {
  if (state && state.logLost > 0) context.logLost.set(container.id, state.logLost);
  if (container.state === "creating" || container.state === "exited") return;
  if (state === undefined) {
    lostContainer(context, container);
    return;
  }
  if (state.startedAt !== "0" && container.startedAt === 0n) {
    context.containers.update(container.id, { startedAt: BigInt(state.startedAt) });
  }
  if (state.state === "running" && container.state === "created") {
    context.containers.update(container.id, { state: "running", pid: state.pid });
  }
  if (state.state === "exited") {
    const { code, signal, oom } = state;
    containerExited(context, { container: container.id, code, signal, oom, at: BigInt(state.finishedAt) });
  }
}

/** Undoes a pod that was being made: nobody was ever told its id. */
async function undoPod(context: PodContext, pod: PodRecord): Promise<void> {
  await endMonitor(context, podDirectory(context, pod.id), pod.id);
  const leaf = context.cgroups.leafPath(pod.cgroup, pod.id);
  await context.cgroups.kill(leaf);
  await context.cgroups.removePod(pod.cgroup, [leaf]);
  await detachNetwork(context, pod, false);
  await releaseNetwork(context, pod);
  context.pods.delete(pod.id);
}

/** Ends the monitor that serves `directory`, if one does, and removes the directory. */
async function endMonitor(context: PodContext, directory: string, key: string): Promise<void> {
  try {
    await context.monitors.connect(key, directory);
    await context.monitors.end(key);
  } catch (error) {
    context.log.debug({ err: error, directory }, "no monitor to end");
  }
  await removePodDirectory(directory);
}

async function undoContainers(context: PodContext, sandboxId: string): Promise<void> {
  for (const container of containersOf(context, sandboxId)) {
    if (container.state === "creating") await deleteContainer(context, container);
  }
}

/** Ends and removes what no record knows: pods and containers of a state database that was lost. */
async function removeStrays(context: PodContext): Promise<void> {
  const pods = new Set(context.pods.all().map(({ id }) => shortId(id)));
  const containers = new Set(context.containers.all().map(({ id }) => id));
  const podsDirectory = join(context.runtimeDir, "pods");
  const containersDirectory = join(context.dataDir, "containers");
  for (const name of entries(podsDirectory).filter((entry) => !pods.has(entry))) {
    context.log.warn({ pod: name }, "ending a pod sandbox that no record knows");
    await endMonitor(context, join(podsDirectory, name), name);
  }
  for (const name of entries(containersDirectory).filter((entry) => !containers.has(entry))) {
    await removeDirectory(join(containersDirectory, name));
  }
}
