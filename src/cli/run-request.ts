import {
  type ContainerConfig,
  type Device,
  type KeyValue,
  type LinuxContainerResources,
  type LinuxContainerSecurityContext,
  MountPropagation,
  NamespaceMode,
  type Outgoing,
  type PodSandboxConfig,
  SecurityProfileProfileType,
} from "#cri";
import type { User } from "./container-options.ts";
import type { PublishedPort, Volume } from "./options.ts";
import { runLabel } from "./targets.ts";

/** What `lichen run` was asked for. */
export interface RunRequest {
  image: string;
  name: string;
  /** Replaces the image's CMD when it is not empty. */
  command: string[];
  /** Replaces the image's ENTRYPOINT. */
  entrypoint?: string;
  env: KeyValue[];
  volumes: Volume[];
  devices?: Device[];
  labels?: Record<string, string>;
  /** Served on the host. */
  ports?: PublishedPort[];
  /** The node's network instead of one of the pod's own. */
  hostNetwork?: boolean;
  /** The name if it is to be another than the pod's. */
  hostname?: string;
  workdir?: string;
  user?: User;
  /** A terminal; standard input, which ends with the first client that attaches. */
  tty?: boolean;
  stdin?: boolean;
  /** All that lichen's own user namespace can give. */
  privileged?: boolean;
  capAdd?: string[];
  capDrop?: string[];
  readOnly?: boolean;
  /** Without the default seccomp profile. */
  unconfined?: boolean;
  /** Bytes. */
  memory?: number;
  cpus?: number;
  pidsLimit?: number;
}

/** CRI's default is one PID namespace for the whole pod; with a single container nothing needs that, nor the init that it costs. */
function namespaceOptions({ hostNetwork }: RunRequest) {
  const network = hostNetwork === true ? NamespaceMode.NODE : NamespaceMode.POD;
  return { pid: NamespaceMode.CONTAINER, network };
}

/** What of a name a host name can have: no underscores, 64 characters at most, a letter or digit at its end. */
function hostnameFor(name: string): string {
  return name
    .replaceAll("_", "-")
    .slice(0, 64)
    .replace(/[.-]+$/, "");
}

export function podConfig(request: RunRequest, uid: string): Outgoing<PodSandboxConfig> {
  return {
    metadata: { name: request.name, namespace: "default", uid, attempt: 0 },
    hostname: request.hostname ?? hostnameFor(request.name),
    labels: { ...request.labels, [runLabel]: "true" },
    portMappings: request.ports ?? [],
    linux: {
      securityContext: {
        namespaceOptions: namespaceOptions(request),
        privileged: request.privileged === true,
      },
    },
  };
}

export function containerConfig(request: RunRequest): Outgoing<ContainerConfig> {
  const resources = limits(request);
  return {
    metadata: { name: request.name, attempt: 0 },
    image: { image: request.image, userSpecifiedImage: request.image },
    command: request.entrypoint === undefined ? [] : [request.entrypoint],
    args: request.command,
    workingDir: request.workdir ?? "",
    envs: request.env,
    mounts: request.volumes.map((volume) => ({
      ...volume,
      propagation: MountPropagation.PROPAGATION_PRIVATE,
    })),
    devices: request.devices ?? [],
    labels: request.labels ?? {},
    tty: request.tty === true,
    stdin: request.stdin === true,
    stdinOnce: request.stdin === true,
    linux: {
      securityContext: securityContext(request),
      ...(resources === undefined ? {} : { resources }),
    },
  };
}

/** As docker and podman have it, unlike a kubelet: what nobody spoke of is confined by the default seccomp profile. */
function securityContext(request: RunRequest): Outgoing<LinuxContainerSecurityContext> {
  const { user = {}, capAdd = [], capDrop = [] } = request;
  const profileType =
    request.unconfined === true
      ? SecurityProfileProfileType.Unconfined
      : SecurityProfileProfileType.RuntimeDefault;
  return {
    namespaceOptions: namespaceOptions(request),
    privileged: request.privileged === true,
    readonlyRootfs: request.readOnly === true,
    capabilities: { addCapabilities: capAdd, dropCapabilities: capDrop },
    seccomp: { profileType, localhostRef: "" },
    runAsUsername: user.name ?? "",
    ...(user.uid === undefined ? {} : { runAsUser: { value: user.uid } }),
    ...(user.gid === undefined ? {} : { runAsGroup: { value: user.gid } }),
  };
}

/** Microseconds: the kernel's own default (cgroup v2's cpu.max). */
const cpuPeriod = 100_000;

/** Undefined when nothing is limited: where no cgroup is delegated a container without limits is no error. */
function limits({ memory, cpus, pidsLimit }: RunRequest): Outgoing<LinuxContainerResources> | undefined {
  if (memory === undefined && cpus === undefined && pidsLimit === undefined) return undefined;
  return {
    ...(memory === undefined ? {} : { memoryLimitInBytes: memory }),
    ...(cpus === undefined ? {} : { cpuPeriod, cpuQuota: Math.round(cpus * cpuPeriod) }),
    ...(pidsLimit === undefined ? {} : { unified: { "pids.max": String(pidsLimit) } }),
  };
}
