import type { RuntimeRpcs } from "../rpc.ts";
import { attach } from "./attach.ts";
import { containerStats } from "./container-stats.ts";
import { containerStatus } from "./container-status.ts";
import { createContainer } from "./create-container.ts";
import { exec } from "./exec.ts";
import { execSync } from "./exec-sync.ts";
import { getContainerEvents } from "./get-container-events.ts";
import { listContainerStats } from "./list-container-stats.ts";
import { listContainers } from "./list-containers.ts";
import { listMetricDescriptors } from "./list-metric-descriptors.ts";
import { listPodSandbox } from "./list-pod-sandbox.ts";
import { listPodSandboxMetrics } from "./list-pod-sandbox-metrics.ts";
import { listPodSandboxStats } from "./list-pod-sandbox-stats.ts";
import { podSandboxStats } from "./pod-sandbox-stats.ts";
import { podSandboxStatus } from "./pod-sandbox-status.ts";
import { portForward } from "./port-forward.ts";
import { removeContainer } from "./remove-container.ts";
import { removePodSandbox } from "./remove-pod-sandbox.ts";
import { reopenContainerLog } from "./reopen-container-log.ts";
import { runPodSandbox } from "./run-pod-sandbox.ts";
import { runtimeConfig } from "./runtime-config.ts";
import { startContainer } from "./start-container.ts";
import { status } from "./status.ts";
import { stopContainer } from "./stop-container.ts";
import { stopPodSandbox } from "./stop-pod-sandbox.ts";
import { streamContainerStats } from "./stream-container-stats.ts";
import { streamContainers } from "./stream-containers.ts";
import { streamPodSandboxMetrics } from "./stream-pod-sandbox-metrics.ts";
import { streamPodSandboxStats } from "./stream-pod-sandbox-stats.ts";
import { streamPodSandboxes } from "./stream-pod-sandboxes.ts";
import { updateContainerResources } from "./update-container-resources.ts";
import { updatePodSandboxResources } from "./update-pod-sandbox-resources.ts";
import { updateRuntimeConfig } from "./update-runtime-config.ts";
import { version } from "./version.ts";

/** What RuntimeService answers. */
export const runtimeRpcs: RuntimeRpcs = {
  Version: version,
  Status: status,
  RuntimeConfig: runtimeConfig,
  UpdateRuntimeConfig: updateRuntimeConfig,
  RunPodSandbox: runPodSandbox,
  StopPodSandbox: stopPodSandbox,
  RemovePodSandbox: removePodSandbox,
  PodSandboxStatus: podSandboxStatus,
  ListPodSandbox: listPodSandbox,
  CreateContainer: createContainer,
  StartContainer: startContainer,
  StopContainer: stopContainer,
  RemoveContainer: removeContainer,
  ContainerStatus: containerStatus,
  ListContainers: listContainers,
  ContainerStats: containerStats,
  ListContainerStats: listContainerStats,
  UpdateContainerResources: updateContainerResources,
  UpdatePodSandboxResources: updatePodSandboxResources,
  PodSandboxStats: podSandboxStats,
  ListPodSandboxStats: listPodSandboxStats,
  ListMetricDescriptors: listMetricDescriptors,
  ListPodSandboxMetrics: listPodSandboxMetrics,
  GetContainerEvents: getContainerEvents,
  StreamPodSandboxes: streamPodSandboxes,
  StreamContainers: streamContainers,
  StreamContainerStats: streamContainerStats,
  StreamPodSandboxStats: streamPodSandboxStats,
  StreamPodSandboxMetrics: streamPodSandboxMetrics,
  ExecSync: execSync,
  Exec: exec,
  Attach: attach,
  PortForward: portForward,
  ReopenContainerLog: reopenContainerLog,
};
