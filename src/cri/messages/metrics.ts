import type { Metric, Outgoing, PodSandboxMetrics } from "#cri";
import type { ContainerUsage, PodUsage } from "../../pod/service.ts";
import { type Measured, metricTable } from "./metric-table.ts";

/** A pod's metrics and those of its running containers. A metric that nothing in the kernel tells is left out. */
export function sandboxMetricsMessage(usage: PodUsage): Outgoing<PodSandboxMetrics> {
  const { pod } = usage;
  const { name = "", namespace = "" } = pod.config.metadata ?? {};
  const measured = {
    ...usage,
    startedAt: pod.createdAt,
    container: undefined,
    writableLayer: undefined,
    logLost: undefined,
  };
  return {
    podSandboxId: pod.id,
    metrics: metricsOf(measured, [name, namespace, "", pod.id, ""]),
    containerMetrics: usage.containers.map((one) => ({
      containerId: one.container.id,
      metrics: metricsOf(measuredContainer(one), [
        name,
        namespace,
        one.container.config.metadata?.name ?? "",
        one.container.id,
        one.container.config.image?.userSpecifiedImage || one.container.config.image?.image || "",
      ]),
    })),
  };
}

function measuredContainer(usage: ContainerUsage): Measured {
  return { ...usage, startedAt: usage.container.startedAt, interfaces: [] };
}

function metricsOf(measured: Measured, labels: readonly string[]): Outgoing<Metric>[] {
  const timestamp = String(measured.timestamp);
  return metricTable.flatMap(({ name, type, values }) =>
    values(measured).flatMap(([value, ...more]) =>
      value === undefined
        ? []
        : [{ name, timestamp, metricType: type, labelValues: [...labels, ...more], value: { value } }],
    ),
  );
}
