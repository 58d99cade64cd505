import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MetricType } from "#cri";
import { metricDescriptors } from "../../../src/cri/messages/metric-table.ts";
import { sandboxMetricsMessage } from "../../../src/cri/messages/metrics.ts";
import { containerConfig, containerRecord } from "./rooms.ts";
import { containerUsage, podUsage, traffic, unknownUsage, wholeUsage } from "./usage.ts";

const eth0 = { name: "eth0", receive: traffic(10), transmit: traffic(100) };
const usage = podUsage({
  ...wholeUsage,
  interfaces: [eth0],
  containers: [
    containerUsage({
      ...wholeUsage,
      writableLayer: { mountpoint: "/upper", bytes: 3, inodes: 2, at: 5n },
      container: containerRecord({
        config: containerConfig({
          metadata: { name: "app" },
          image: { image: "sha256:1", userSpecifiedImage: "registry/app:1" },
          linux: { resources: { cpuQuota: -1, memoryLimitInBytes: 64 } },
        }),
      }),
    }),
  ],
});
const message = sandboxMetricsMessage(usage);
const container = message.containerMetrics?.[0]?.metrics ?? [];
const find = (metrics: typeof container, name: string) => metrics.filter((metric) => metric.name === name);

describe("pod metrics", () => {
  it("have a descriptor each, and as many labels as that has keys", () => {
    const keys = new Map(metricDescriptors.map(({ name, labelKeys }) => [name, labelKeys.length]));
    assert.equal(keys.size, metricDescriptors.length, "no name twice");
    for (const { name = "", labelValues } of [...(message.metrics ?? []), ...container])
      assert.equal(labelValues?.length, keys.get(name), name);
  });

  it("say of which pod, container and image they are", () => {
    const [pod] = find(message.metrics ?? [], "container_cpu_user_seconds_total");
    assert.deepEqual(pod?.labelValues, ["web", "default", "", "a".repeat(64), ""]);
    const [own] = find(container, "container_cpu_usage_seconds_total");
    assert.deepEqual(own?.labelValues, ["web", "default", "app", "c".repeat(64), "registry/app:1", "total"]);
    assert.deepEqual(own?.value, { value: 9_007_199 });
    assert.equal(own?.metricType, MetricType.COUNTER);
    assert.equal(own?.timestamp, "1764000000000000007");
  });

  it("count traffic for the pod and devices for both, the writable layer for the container", () => {
    assert.deepEqual(find(message.metrics ?? [], "container_network_transmit_packets_dropped_total"), [
      {
        name: "container_network_transmit_packets_dropped_total",
        timestamp: "1764000000000000007",
        metricType: MetricType.COUNTER,
        labelValues: ["web", "default", "", "a".repeat(64), "", "eth0"],
        value: { value: 103 },
      },
    ]);
    assert.deepEqual(find(container, "container_network_receive_bytes_total"), []);
    assert.deepEqual(find(container, "container_fs_writes_total")[0]?.value, { value: 4 });
    assert.deepEqual(find(container, "container_fs_usage_bytes")[0]?.labelValues?.at(-1), "/upper");
  });

  it("tell pressure, failures and limits", () => {
    assert.equal(find(container, "container_pressure_memory_stalled_seconds_total").length, 1);
    assert.deepEqual(
      find(container, "container_memory_failures_total").map(({ labelValues, value }) => [
        ...(labelValues?.slice(-2) ?? []),
        value?.value,
      ]),
      [
        ["pgfault", "container", 6],
        ["pgmajfault", "container", 5],
        ["pgfault", "hierarchy", 6],
        ["pgmajfault", "hierarchy", 5],
      ],
    );
    assert.deepEqual(find(container, "container_spec_memory_limit_bytes")[0]?.value, { value: 64 });
    assert.deepEqual(find(container, "container_spec_cpu_quota"), [], "-1 is no quota");
    assert.deepEqual(find(container, "container_oom_events_total")[0]?.value, { value: 18 });
  });

  it("leave out what nothing in the kernel tells", () => {
    const { metrics } = sandboxMetricsMessage(podUsage(unknownUsage));
    assert.deepEqual(
      metrics?.map(({ name }) => name),
      ["container_last_seen", "container_start_time_seconds"],
    );
  });
});
