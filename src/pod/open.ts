import { mkdirSync } from "node:fs";
import { join } from "node:path";
import * as kernel from "../native/network.ts";
import { PortsProcess } from "../native/ports.ts";
import { SeccompFilters } from "../native/seccomp-filters.ts";
import { AddressPool } from "../network/addresses.ts";
import { BridgeNetwork } from "../network/bridge.ts";
import { HostNetwork } from "../network/host.ts";
import { HostPorts } from "../network/host-ports.ts";
import { configuredNetwork } from "../network/open.ts";
import { formatRange, type PodRange } from "../network/pod-range.ts";
import { PodRanges } from "../network/pod-ranges.ts";
import { freeSubnet, parseSubnet, type Subnet, subnetOf } from "../network/subnet.ts";
import { formatSubnet6, parseSubnet6, randomSubnet6, type Subnet6 } from "../network/subnet6.ts";
import { Cgroups } from "../resources/cgroups.ts";
import { DiskUsageCache } from "../resources/disk-usage.ts";
import type { Slices } from "../resources/scopes.ts";
import { UserManager } from "../resources/systemd/user-manager.ts";
import { CpuRates } from "../resources/usage/rates.ts";
import { readUsage } from "../resources/usage/read.ts";
import { Sampler } from "../resources/usage/sampler.ts";
import { readContainerRlimits } from "../security/rlimits.ts";
import { AddressStore } from "../store/addresses.ts";
import { type ContainerRecord, ContainerStore } from "../store/containers.ts";
import { type PodRecord, PodStore } from "../store/pods.ts";
import { SettingStore } from "../store/settings.ts";
import type { Conditions } from "./conditions.ts";
import { containerExited } from "./container/exited.ts";
import { now, type PodContext } from "./context.ts";
import { containerSteps, LifeEvents, podSteps } from "./events.ts";
import { Exits } from "./exits.ts";
import { containersOf } from "./filters.ts";
import { KeyedMutex } from "./keyed-mutex.ts";
import { LastMade } from "./last-made.ts";
import { Monitors } from "./monitors.ts";
import { rejoinPod } from "./recovery.ts";
import { Registry } from "./registry.ts";
import { readNodeSecurity } from "./spec/security.ts";
import { Attachments } from "./streams/attachments.ts";
import type { PodServiceOptions } from "./types.ts";

const podTransitions = { creating: ["ready"], ready: ["notready"], notready: [] } as const;
const containerTransitions = {
  creating: ["created"],
  created: ["running", "exited"],
  running: ["exited"],
  exited: [],
} as const;
/** For a node without an uplink: what its veths take without fragmenting. */
const defaultMtu = 1500;

/** Puts together what pods and containers work with; nothing of the node is changed but for the pod network's bridge. */
export function openContext(options: PodServiceOptions, conditions: Conditions): PodContext {
  const { database, node, config, log, runtimeDir, dataDir } = options;
  mkdirSync(join(runtimeDir, "pods"), { recursive: true, mode: 0o700 });
  mkdirSync(join(dataDir, "containers"), { recursive: true, mode: 0o700 });
  const containerStore = new ContainerStore(database);
  const ranges = new PodRanges(new SettingStore(database), config.network.subnet, configuredRange(options));
  const addresses = new AddressPool(ranges.current.subnet, new AddressStore(database));
  const context: PodContext = {
    pods: new Registry<PodRecord>("pod sandbox", new PodStore(database), podTransitions, (before, after) =>
      tell(context, before.id, after ?? before, podSteps(before, after, now())),
    ),
    containers: new Registry<ContainerRecord>(
      "container",
      containerStore,
      containerTransitions,
      (before, after) =>
        tell(context, before.id, context.pods.exact(before.sandboxId), containerSteps(before, after, now())),
    ),
    containerStore,
    monitors: new Monitors({
      exit: (_sandboxId, { container, code, signal, at, oom }) =>
        context.exits.tellAfterStart(container, () =>
          containerExited(context, { container, code, signal, at: BigInt(at), oom }),
        ),
      logError: (sandboxId, { container, cause, lost }) => {
        context.logLost.set(container, lost);
        log.error({ pod: sandboxId, container, lost }, `entries of a container's log are lost: ${cause}`);
      },
      detached: (event) => context.attachments.notify(event),
      lost: (sandboxId) => monitorLost(context, sandboxId),
    }),
    exits: new Exits(),
    events: new LifeEvents(),
    attachments: new Attachments(),
    logLimits: { logMaxSize: config.logs.max_size, logMaxFiles: config.logs.max_files },
    logLost: new Map(),
    streams: { execGraceMs: config.streaming.exec_grace_seconds * 1000 },
    locks: new KeyedMutex(),
    networks: {
      pod:
        configuredNetwork(config.network, dataDir, log) ??
        new BridgeNetwork({
          kernel,
          pool: addresses,
          range: ranges.current,
          keepRange: (range) => ranges.keep(range),
          taken: uplinkSubnets(options),
          isolate: config.network.isolate_pods,
          mtu: node.uplink.mtu > 0 ? node.uplink.mtu : defaultMtu,
          uplink: node.uplink.kind !== "none",
        }),
      node: new HostNetwork(),
    },
    hostPorts: new HostPorts({
      sides: {
        host: options.openOnHost,
        node: async (address, port, protocol) => kernel.listenInNode(address, port, protocol),
      },
      start: (onClose) => PortsProcess.start(runtimeDir, onClose),
      connect: (onClose) => PortsProcess.connect(runtimeDir, onClose),
      keepClients: () => kernel.keepClients("lichen-ports"),
      podNetworks: () => formatRange(ranges.current),
      log,
    }),
    cgroups: new Cgroups({
      ...node.cgroup,
      missing: config.cgroups.missing,
      driver: config.cgroups.driver,
      slices: slicesOf(options),
      onUnenforced: (setting, object) => conditions.unenforced(setting, object),
    }),
    layerUsage: new DiskUsageCache(),
    usage: new Sampler((subjects) => readUsage(context.cgroups, subjects)),
    cpuRates: new CpuRates(),
    podSubjects: new LastMade(),
    podUsages: new LastMade(),
    containerUsages: new LastMade(),
    security: readNodeSecurity(),
    rlimits: readContainerRlimits(config.containers.rlimits),
    seccompFilters: new SeccompFilters(),
    images: options.images,
    node,
    runtimeDir,
    dataDir,
    log,
  };
  return context;
}

/** Where the launcher shows the cgroups of the user's systemd, and that systemd, if there is one. */
function slicesOf({ node, runtimeDir }: PodServiceOptions): Slices {
  const { socket = "", hostPath = "", controllers = [] } = node.cgroup.manager ?? {};
  const maker = socket === "" ? undefined : new UserManager(socket, node.uid);
  return { directory: join(runtimeDir, "slices"), path: hostPath, controllers, maker };
}

/** Tells the listeners, if there are any, of the steps that a change was. */
function tell(
  context: PodContext,
  id: string,
  pod: PodRecord | undefined,
  steps: ReturnType<typeof podSteps>,
): void {
  if (!context.events.listened || pod === undefined) return;
  const containers = containersOf(context, pod.id).filter(({ state }) => state !== "creating");
  for (const [step, at] of steps) context.events.emit({ id, step, at, pod, containers });
}

function configuredRange(options: PodServiceOptions): PodRange {
  const subnet = freeSubnet(parseSubnet(options.config.network.subnet), uplinkSubnets(options));
  return { subnet, subnet6: podSubnet6(options) };
}

/** The pods' IPv6 network; undefined where it is switched off, here or in the kernel. */
function podSubnet6({ config, database }: PodServiceOptions): Subnet6 | undefined {
  if (!config.network.ipv6 || !kernel.hasIpv6()) return undefined;
  const kept = () => new SettingStore(database).keep("subnet6", () => formatSubnet6(randomSubnet6()));
  return parseSubnet6(config.network.subnet6 ?? kept());
}

function uplinkSubnets({ node }: PodServiceOptions): Subnet[] {
  const { kind, address, prefix } = node.uplink;
  const subnet = kind === "none" ? undefined : subnetOf(address, prefix);
  return subnet === undefined ? [] : [subnet];
}

/** A connection that ended by itself: the monitor is asked once more, since a fault of the channel is not its death. */
function monitorLost(context: PodContext, sandboxId: string): void {
  const rejoin = async () => {
    const pod = context.pods.exact(sandboxId);
    if (pod?.state === "ready") await rejoinPod(context, pod, "its monitor died");
  };
  context.locks.run(sandboxId, rejoin).catch((error: unknown) => {
    context.log.error({ err: error, pod: sandboxId }, "could not take note of a lost monitor");
  });
}
