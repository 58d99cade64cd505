import { readdirSync } from "node:fs";
import type { ImageService } from "../../image/service.ts";
import type { PodService } from "../../pod/service.ts";
import type { Family, Sample } from "./exposition.ts";

/** What the node holds at this moment, and what the daemon itself uses. */
export function nodeFamilies(
  version: string,
  pods: Pick<PodService, "listPodSandbox" | "listContainers" | "lostLogEntries">,
  images: Pick<ImageService, "list" | "usage">,
): Family[] {
  const usage = images.usage();
  return [
    one("lichen_build_info", "lichen's version.", "gauge", { labels: { version }, value: 1 }),
    states("lichen_pod_sandboxes", "Pod sandboxes by state.", pods.listPodSandbox()),
    states("lichen_containers", "Containers by state.", pods.listContainers()),
    one(
      "lichen_container_log_entries_lost",
      "Entries that the logs of the present containers lack.",
      "gauge",
      {
        value: pods.lostLogEntries(),
      },
    ),
    one("lichen_images", "Images on the node.", "gauge", { value: images.list().length }),
    one("lichen_image_bytes", "Disk space that image layers take.", "gauge", { value: usage.bytes }),
    one("process_resident_memory_bytes", "Resident memory of the daemon.", "gauge", {
      value: process.memoryUsage.rss(),
    }),
    one("process_cpu_seconds_total", "CPU time of the daemon.", "counter", {
      value: (process.cpuUsage().user + process.cpuUsage().system) / 1e6,
    }),
    one("process_open_fds", "Open descriptors of the daemon.", "gauge", {
      // The one that is read from is open for this moment only.
      value: readdirSync("/proc/self/fd").length - 1,
    }),
  ];
}

function one(name: string, help: string, type: Family["type"], sample: Sample): Family {
  return { name, help, type, samples: [sample] };
}

function states(name: string, help: string, records: readonly { state: string }[]): Family {
  const counts = new Map<string, number>();
  for (const { state } of records) counts.set(state, (counts.get(state) ?? 0) + 1);
  return {
    name,
    help,
    type: "gauge",
    samples: [...counts].map(([state, value]) => ({ labels: { state }, value })),
  };
}
