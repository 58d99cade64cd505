import { type MetricDescriptor, MetricType } from "#cri";
import type { ContainerUsage, InterfaceUsage, LayerUsage, Pressure, Usage } from "../../pod/service.ts";

/** A value and, for a metric with labels of its own, theirs. A value that nothing in the kernel tells is undefined. */
export type Value = readonly [value: number | undefined, ...labels: string[]];

/** What a metric may be taken from: a pod, or one of its containers. */
export interface Measured extends Usage {
  timestamp: bigint;
  startedAt: bigint;
  /** Of a pod. */
  interfaces: readonly InterfaceUsage[];
  /** Of a container. */
  container: ContainerUsage["container"] | undefined;
  writableLayer: LayerUsage | undefined;
  logLost: number | undefined;
}

export interface MetricRow {
  name: string;
  help: string;
  type: MetricType;
  /** Labels beside those that every metric has. */
  labels: readonly string[];
  values(measured: Measured): readonly Value[];
}

/** Every metric's first labels. */
export const baseLabels = ["pod", "namespace", "container", "id", "image"] as const;

const { COUNTER, GAUGE } = MetricType;
const second = 1_000_000_000;

function row(
  type: MetricType,
  name: string,
  help: string,
  value: (measured: Measured) => number | undefined,
): MetricRow {
  return { name, help, type, labels: [], values: (measured) => [[value(measured)]] };
}

/** Whole seconds: the contract has no fractions. */
const seconds = (nanoseconds: number | bigint | undefined): number | undefined =>
  nanoseconds === undefined ? undefined : Math.floor(Number(nanoseconds) / second);

const cpu: MetricRow[] = [
  row(COUNTER, "container_cpu_user_seconds_total", "Cumulative user cpu time consumed in seconds.", (m) =>
    seconds(m.cpu?.userNanoseconds),
  ),
  row(COUNTER, "container_cpu_system_seconds_total", "Cumulative system cpu time consumed in seconds.", (m) =>
    seconds(m.cpu?.systemNanoseconds),
  ),
  {
    ...row(COUNTER, "container_cpu_usage_seconds_total", "Cumulative cpu time consumed in seconds.", () => 0),
    labels: ["cpu"],
    values: (m) => [[seconds(m.cpu?.usageNanoseconds), "total"]],
  },
  row(
    COUNTER,
    "container_cpu_cfs_periods_total",
    "Number of elapsed enforcement period intervals.",
    (m) => m.cpu?.throttling?.periods,
  ),
  row(
    COUNTER,
    "container_cpu_cfs_throttled_periods_total",
    "Number of throttled period intervals.",
    (m) => m.cpu?.throttling?.throttledPeriods,
  ),
  row(
    COUNTER,
    "container_cpu_cfs_throttled_seconds_total",
    "Total time duration the container has been throttled.",
    (m) => seconds(m.cpu?.throttling?.nanoseconds),
  ),
];

const memory: MetricRow[] = [
  row(
    GAUGE,
    "container_memory_cache",
    "Number of bytes of page cache memory.",
    (m) => m.memory?.details?.cacheBytes,
  ),
  row(GAUGE, "container_memory_rss", "Size of RSS in bytes.", (m) => m.memory?.rssBytes),
  row(
    GAUGE,
    "container_memory_kernel_usage",
    "Size of kernel memory allocated in bytes.",
    (m) => m.memory?.details?.kernelBytes,
  ),
  row(
    GAUGE,
    "container_memory_mapped_file",
    "Size of memory mapped files in bytes.",
    (m) => m.memory?.details?.mappedFileBytes,
  ),
  row(GAUGE, "container_memory_swap", "Container swap usage in bytes.", (m) => m.swap?.usageBytes),
  row(
    COUNTER,
    "container_memory_failcnt",
    "Number of memory usage hits limits.",
    (m) => m.memory?.details?.limitHits,
  ),
  row(
    GAUGE,
    "container_memory_usage_bytes",
    "Current memory usage in bytes, including all memory regardless of when it was accessed.",
    (m) => m.memory?.usageBytes,
  ),
  row(
    GAUGE,
    "container_memory_max_usage_bytes",
    "Maximum memory usage recorded in bytes.",
    (m) => m.memory?.details?.peakBytes,
  ),
  row(
    GAUGE,
    "container_memory_working_set_bytes",
    "Current working set in bytes.",
    (m) => m.memory?.workingSetBytes,
  ),
  row(
    GAUGE,
    "container_memory_total_active_file_bytes",
    "Current total active file in bytes.",
    (m) => m.memory?.details?.activeFileBytes,
  ),
  row(
    GAUGE,
    "container_memory_total_inactive_file_bytes",
    "Current total inactive file in bytes.",
    (m) => m.memory?.details?.inactiveFileBytes,
  ),
  {
    name: "container_memory_failures_total",
    help: "Cumulative count of memory allocation failures.",
    type: COUNTER,
    labels: ["failure_type", "scope"],
    // cgroup v2 counts a cgroup with what is below it; for a container both are one.
    values: ({ memory: m }) =>
      ["container", "hierarchy"].flatMap((scope): Value[] => [
        [m?.pageFaults, "pgfault", scope],
        [m?.majorPageFaults, "pgmajfault", scope],
      ]),
  },
  row(
    COUNTER,
    "container_oom_events_total",
    "Count of out of memory events observed for the container.",
    (m) => m.memory?.details?.oomKills,
  ),
];

/** Waiting: some task did. Stalled: all did at once. */
function pressureRows(of: "cpu" | "memory" | "io", what: string): MetricRow[] {
  const total = (kind: keyof Pressure) => (m: Measured) => seconds(m[of]?.pressure?.[kind].totalNanoseconds);
  return [
    row(
      COUNTER,
      `container_pressure_${of}_waiting_seconds_total`,
      `Total time in seconds some tasks in the container waited for ${what}.`,
      total("some"),
    ),
    row(
      COUNTER,
      `container_pressure_${of}_stalled_seconds_total`,
      `Total time in seconds no task in the container could make progress for lack of ${what}.`,
      total("full"),
    ),
  ];
}

function deviceRow(
  name: string,
  help: string,
  member: "readBytes" | "writeBytes" | "reads" | "writes",
): MetricRow {
  return {
    name,
    help,
    type: COUNTER,
    labels: ["device"],
    values: ({ io }) => (io?.devices ?? []).map((device): Value => [device[member], device.device]),
  };
}

const disk: MetricRow[] = [
  deviceRow("container_fs_reads_bytes_total", "Cumulative count of bytes read.", "readBytes"),
  deviceRow("container_fs_writes_bytes_total", "Cumulative count of bytes written.", "writeBytes"),
  deviceRow("container_fs_reads_total", "Cumulative count of reads completed.", "reads"),
  deviceRow("container_fs_writes_total", "Cumulative count of writes completed.", "writes"),
  {
    name: "container_fs_usage_bytes",
    help: "Number of bytes that are consumed by the container on this filesystem.",
    type: GAUGE,
    labels: ["device"],
    values: ({ writableLayer: layer }) => (layer ? [[layer.bytes, layer.mountpoint]] : []),
  },
];

function trafficRows(direction: "receive" | "transmit", done: string): MetricRow[] {
  const figures = [
    ["bytes", "bytes", `bytes ${done}`],
    ["packets", "packets", `packets ${done}`],
    [
      "packets_dropped",
      "dropped",
      `packets dropped while ${direction === "receive" ? "receiving" : "transmitting"}`,
    ],
    [
      "errors",
      "errors",
      `errors encountered while ${direction === "receive" ? "receiving" : "transmitting"}`,
    ],
  ] as const;
  return figures.map(([name, member, what]) => ({
    name: `container_network_${direction}_${name}_total`,
    help: `Cumulative count of ${what}.`,
    type: COUNTER,
    labels: ["interface"],
    values: ({ interfaces }) => interfaces.map((one): Value => [one[direction][member], one.name]),
  }));
}

const limits = (m: Measured) => m.container?.config.linux?.resources ?? undefined;

const miscellaneous: MetricRow[] = [
  row(
    COUNTER,
    "container_log_lost_entries_total",
    "Entries that could not be written to the container's log.",
    (m) => m.logLost,
  ),
  row(GAUGE, "container_processes", "Number of processes running inside the container.", (m) => m.processes),
  row(GAUGE, "container_threads", "Number of threads running inside the container.", (m) => m.threads),
  row(GAUGE, "container_last_seen", "Last time a container was seen by the exporter.", (m) =>
    seconds(m.timestamp),
  ),
  row(
    GAUGE,
    "container_start_time_seconds",
    "Start time of the container since unix epoch in seconds.",
    (m) => seconds(m.startedAt),
  ),
  row(GAUGE, "container_spec_cpu_period", "CPU period of the container.", (m) => limits(m)?.cpuPeriod),
  row(
    GAUGE,
    "container_spec_cpu_quota",
    "CPU quota of the container.",
    (m) =>
      // -1 is no quota, which the contract's unsigned value cannot say.
      Math.max(limits(m)?.cpuQuota ?? 0, 0) || undefined,
  ),
  row(GAUGE, "container_spec_cpu_shares", "CPU share of the container.", (m) => limits(m)?.cpuShares),
  row(
    GAUGE,
    "container_spec_memory_limit_bytes",
    "Memory limit for the container.",
    (m) => limits(m)?.memoryLimitInBytes,
  ),
  row(
    GAUGE,
    "container_spec_memory_swap_limit_bytes",
    "Memory swap limit for the container.",
    (m) => Math.max(limits(m)?.memorySwapLimitInBytes ?? 0, 0) || undefined,
  ),
];

/** Every metric, under cAdvisor's names where it has one: https://github.com/google/cadvisor/blob/master/docs/storage/prometheus.md */
export const metricTable: readonly MetricRow[] = [
  ...cpu,
  ...memory,
  ...pressureRows("cpu", "CPU time"),
  ...pressureRows("memory", "memory"),
  ...pressureRows("io", "input and output"),
  ...disk,
  ...trafficRows("receive", "received"),
  ...trafficRows("transmit", "transmitted"),
  ...miscellaneous,
];

/** What ListMetricDescriptors answers. */
export const metricDescriptors: readonly MetricDescriptor[] = metricTable.map(({ name, help, labels }) => ({
  name,
  help,
  labelKeys: [...baseLabels, ...labels],
}));
