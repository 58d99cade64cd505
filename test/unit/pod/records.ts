import {
  type ContainerConfig,
  type LinuxContainerSecurityContext,
  type Mount,
  type NamespaceOption,
  type PodSandboxConfig,
  Signal,
} from "#cri";
import type { ContainerRecord } from "../../../src/store/containers.ts";
import type { PodRecord } from "../../../src/store/pods.ts";

// CRI messages as they come off the wire when nothing but the given members was set.

export function podConfig(fields: Partial<PodSandboxConfig> = {}): PodSandboxConfig {
  return {
    metadata: { name: "web", uid: "u", namespace: "default", attempt: 0 },
    hostname: "",
    logDirectory: "",
    dnsConfig: null,
    portMappings: [],
    labels: {},
    annotations: {},
    linux: null,
    windows: null,
    ...fields,
  };
}

export function podWith(namespaceOptions: Partial<NamespaceOption>, sysctls: Record<string, string> = {}) {
  return podConfig({
    linux: {
      cgroupParent: "",
      overhead: null,
      resources: null,
      sysctls,
      securityContext: {
        namespaceOptions: namespaces(namespaceOptions),
        selinuxOptions: null,
        runAsUser: null,
        runAsGroup: null,
        readonlyRootfs: false,
        supplementalGroups: [],
        supplementalGroupsPolicy: 0,
        privileged: false,
        seccomp: null,
        apparmor: null,
        seccompProfilePath: "",
      },
    },
  });
}

export function namespaces(fields: Partial<NamespaceOption> = {}): NamespaceOption {
  return { network: 0, pid: 0, ipc: 0, targetId: "", usernsOptions: null, ...fields };
}

export function containerConfig(fields: Partial<ContainerConfig> = {}): ContainerConfig {
  return {
    metadata: { name: "c", attempt: 0 },
    image: null,
    command: [],
    args: [],
    workingDir: "",
    envs: [],
    mounts: [],
    devices: [],
    labels: {},
    annotations: {},
    logPath: "",
    stdin: false,
    stdinOnce: false,
    tty: false,
    linux: null,
    windows: null,
    CDIDevices: [],
    stopSignal: Signal.SIGNAL_RUNTIME_DEFAULT,
    ...fields,
  };
}

export function securityContext(
  fields: Partial<LinuxContainerSecurityContext> = {},
): LinuxContainerSecurityContext {
  return {
    capabilities: null,
    privileged: false,
    namespaceOptions: null,
    selinuxOptions: null,
    runAsUser: null,
    runAsGroup: null,
    runAsUsername: "",
    readonlyRootfs: false,
    supplementalGroups: [],
    supplementalGroupsPolicy: 0,
    noNewPrivs: false,
    maskedPaths: [],
    readonlyPaths: [],
    seccomp: null,
    apparmor: null,
    apparmorProfile: "",
    seccompProfilePath: "",
    ...fields,
  };
}

export function mount(fields: Partial<Mount> = {}): Mount {
  return {
    containerPath: "/mnt",
    hostPath: "/tmp",
    readonly: false,
    selinuxRelabel: false,
    propagation: 0,
    uidMappings: [],
    gidMappings: [],
    recursiveReadOnly: false,
    image: null,
    imageSubPath: "",
    mountOptions: [],
    ...fields,
  };
}

export function podRecord(fields: Partial<PodRecord> = {}): PodRecord {
  return {
    id: "p",
    state: "ready",
    createdAt: 1n,
    runtimeHandler: "",
    config: podConfig(),
    ips: [],
    cgroup: "",
    monitorPid: 0,
    reason: "",
    ...fields,
  };
}

export function containerRecord(fields: Partial<ContainerRecord> = {}): ContainerRecord {
  return {
    id: "c",
    sandboxId: "p",
    state: "creating",
    createdAt: 1n,
    startedAt: 0n,
    finishedAt: 0n,
    exitCode: 0,
    reason: "",
    message: "",
    pid: 0,
    config: containerConfig(),
    image: { id: "sha256:1", ref: "sha256:1" },
    logPath: "",
    user: { uid: 0, gid: 0, supplementalGroups: [0] },
    stopSignal: "SIGTERM",
    cgroup: "",
    ...fields,
  };
}
