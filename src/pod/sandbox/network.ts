import type { NetworkDriver, PodNamespace } from "../../network/driver.ts";
import type { PodPorts } from "../../network/host-ports.ts";
import { hostPortMappings } from "../../network/port-mappings.ts";
import type { PodRecord } from "../../store/pods.ts";
import type { PodContext } from "../context.ts";
import { podNamespaces } from "../spec/namespaces.ts";

/** The network namespace of a pod, by its monitor, which is in it. */
export function podNamespace(monitorPid: number): PodNamespace {
  return { pid: monitorPid, path: `/proc/${monitorPid}/ns/net` };
}

function driverOf(context: PodContext, pod: PodRecord): NetworkDriver {
  const options = pod.config.linux?.securityContext?.namespaceOptions ?? null;
  return context.networks[podNamespaces(options).network];
}

/** Takes a pod off its network, its host ports first; `alive` while its monitor, and so its namespace, is there. */
export async function detachNetwork(context: PodContext, pod: PodRecord, alive: boolean): Promise<void> {
  await context.hostPorts.unpublish(pod.id);
  const namespace = alive && pod.monitorPid > 0 ? podNamespace(pod.monitorPid) : undefined;
  await driverOf(context, pod).detach({ sandboxId: pod.id, config: pod.config }, namespace);
}

/** The pods that have host ports to be served, of these. */
export function podsWithPorts(pods: readonly PodRecord[]): PodPorts[] {
  return pods
    .filter(({ ips }) => ips.length > 0)
    .map(({ id, config, monitorPid, ips }) => ({
      sandboxId: id,
      mappings: hostPortMappings(config.portMappings),
      monitorPid,
      ips,
    }))
    .filter(({ mappings }) => mappings.length > 0);
}

/** Gives back what a pod's network had reserved for it, once its namespace is gone. */
export async function releaseNetwork(context: PodContext, pod: PodRecord): Promise<void> {
  await driverOf(context, pod).release(pod.id);
}

/** Tells the log about living pods whose network is damaged: they run on, since only their owner can say whether they may. */
export async function verifyNetwork(context: PodContext, pod: PodRecord): Promise<void> {
  const request = { sandboxId: pod.id, config: pod.config };
  await driverOf(context, pod)
    .verify(request, podNamespace(pod.monitorPid))
    .catch((error: unknown) => {
      context.log.warn(
        { err: error, pod: pod.id },
        "the pod's network is damaged; a new pod would get a whole one",
      );
    });
}
