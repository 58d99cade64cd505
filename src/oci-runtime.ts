/**
 * The parts of the OCI runtime specification 1.2 (config.json) that lichen writes: the currency between the daemon, which
 * decides what a container is, and the monitor, which makes it so.
 * https://github.com/opencontainers/runtime-spec/blob/main/config.md
 */
export interface RuntimeSpec {
  ociVersion: string;
  process: RuntimeProcess;
  root: { path: string; readonly: boolean };
  hostname?: string;
  mounts: RuntimeMount[];
  annotations: Record<string, string>;
  linux: RuntimeLinux;
}

export interface RuntimeProcess {
  terminal: boolean;
  user: RuntimeUser;
  args: string[];
  env: string[];
  cwd: string;
  capabilities: RuntimeCapabilities;
  rlimits: RuntimeRlimit[];
  noNewPrivileges: boolean;
  apparmorProfile?: string;
  /** Not of the specification: the profile that is taken without `apparmorProfile`, when it is loaded. */
  apparmorDefault?: string;
  /** The SELinux context. */
  selinuxLabel?: string;
  oomScoreAdj?: number;
}

/** setrlimit(2), without `RLIMIT_`; what no container is asked for (LOCKS, RSS, RTTIME) is left out. */
export const rlimitNames = [
  "AS",
  "CORE",
  "CPU",
  "DATA",
  "FSIZE",
  "MEMLOCK",
  "MSGQUEUE",
  "NICE",
  "NOFILE",
  "NPROC",
  "RTPRIO",
  "SIGPENDING",
  "STACK",
] as const;
export type RlimitName = (typeof rlimitNames)[number];

export interface RuntimeRlimit {
  /** `RLIMIT_…` */
  type: string;
  soft: number;
  hard: number;
}

export interface RuntimeUser {
  uid: number;
  gid: number;
  additionalGids: number[];
}

export interface RuntimeCapabilities {
  bounding: string[];
  effective: string[];
  permitted: string[];
  inheritable: string[];
  ambient: string[];
}

export interface RuntimeMount {
  destination: string;
  type: string;
  source: string;
  options: string[];
  /** Of a bind mount that shows its files with other owners. */
  uidMappings?: RuntimeIdMapping[];
  gidMappings?: RuntimeIdMapping[];
}

export interface RuntimeIdMapping {
  containerID: number;
  hostID: number;
  size: number;
}

export interface RuntimeLinux {
  namespaces: { type: string }[];
  uidMappings?: RuntimeIdMapping[];
  gidMappings?: RuntimeIdMapping[];
  maskedPaths: string[];
  readonlyPaths: string[];
  seccomp?: RuntimeSeccomp;
  rootfsPropagation?: string;
  /** The SELinux context of the container's files. */
  mountLabel?: string;
  cgroupsPath?: string;
  resources?: object;
}

export interface RuntimeSeccomp {
  defaultAction: string;
  defaultErrnoRet?: number;
  architectures?: string[];
  syscalls?: SeccompRule[];
  flags?: string[];
}

export interface SeccompRule {
  names: string[];
  action: string;
  errnoRet?: number;
  args?: SeccompArgument[];
}

export interface SeccompArgument {
  index: number;
  value: number;
  valueTwo?: number;
  op: string;
}
