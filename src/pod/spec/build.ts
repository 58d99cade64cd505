import { existsSync } from "node:fs";
import type { ContainerConfig } from "#cri";
import { type IdMap, outerId } from "../../native/id-map.ts";
import type { RuntimeMount, RuntimeRlimit, RuntimeSpec, RuntimeUser } from "../../oci-runtime.ts";
import type { ImageConfig } from "../types.ts";
import { deviceMounts } from "./devices.ts";
import { defaultMounts, orderedMounts, type PodFiles } from "./mounts.ts";
import type { ContainerPid, PodNamespaces } from "./namespaces.ts";
import { commandLine, environment, workingDirectory } from "./process.ts";
import type { ContainerSecurity } from "./security.ts";
import { labelledMounts } from "./selinux.ts";
import { idMappings } from "./user-namespace.ts";

/** Everything that decides a container's spec, already checked. */
export interface SpecRequest {
  config: ContainerConfig;
  image: ImageConfig;
  hostname: string;
  user: RuntimeUser;
  security: ContainerSecurity;
  namespaces: PodNamespaces;
  pid: ContainerPid;
  mounts: RuntimeMount[];
  rootfsPropagation: string | undefined;
  files: PodFiles;
  singleId: boolean;
  /** Of the pod's own user namespace. */
  idMap?: IdMap | undefined;
  /** undefined when nothing was asked for. */
  oomScoreAdj: number | undefined;
  rlimits?: readonly RuntimeRlimit[];
  cgroup: string;
  /** A directory with nothing in it, which will be there when the container is made. */
  emptyDirectory: string;
}

/** The OCI runtime spec of a container. `linux.namespaces`, `mountLabel` and `cgroupsPath` are for readers: the monitor takes them from elsewhere. */
export function buildSpec(request: SpecRequest): RuntimeSpec {
  const { config, image, security, namespaces } = request;
  const defaults = defaultMounts({
    privileged: security.privileged,
    readonlyRootfs: security.readonlyRootfs,
    network: namespaces.network,
    ipc: namespaces.ipc,
    pid: request.pid.pid,
    ttyGroup: hasTtyGroup(request),
    files: request.files,
    nodeHas: existsSync,
  });
  return {
    ociVersion: "1.2.0",
    process: {
      terminal: config.tty,
      user: request.user,
      args: commandLine(config, image),
      env: environment(config, image, request.hostname),
      cwd: workingDirectory(config, image),
      capabilities: security.capabilities,
      rlimits: [...(request.rlimits ?? [])],
      noNewPrivileges: security.noNewPrivileges,
      ...security.appArmor,
      ...(security.selinux.process === undefined ? {} : { selinuxLabel: security.selinux.process }),
      ...(request.oomScoreAdj === undefined ? {} : { oomScoreAdj: request.oomScoreAdj }),
    },
    root: { path: "rootfs", readonly: security.readonlyRootfs },
    ...(namespaces.network === "pod" ? { hostname: request.hostname } : {}),
    mounts: labelledMounts(
      orderedMounts(defaults, [...deviceMounts(config.devices, security.privileged), ...request.mounts]),
      security.selinux.files,
      request.emptyDirectory,
    ),
    annotations: config.annotations,
    linux: {
      namespaces: namespacesForReaders(namespaces, request.pid, request.idMap !== undefined),
      ...(request.idMap === undefined ? {} : idMappings(request.idMap)),
      maskedPaths: security.paths.maskedPaths,
      readonlyPaths: security.paths.readonlyPaths,
      ...(security.seccomp === undefined ? {} : { seccomp: security.seccomp }),
      ...(security.selinux.files === undefined ? {} : { mountLabel: security.selinux.files }),
      ...(request.rootfsPropagation === undefined ? {} : { rootfsPropagation: request.rootfsPropagation }),
      ...(request.cgroup === "" ? {} : { cgroupsPath: request.cgroup }),
    },
  };
}

/** Group 5 owns terminals, where there is such an id. */
function hasTtyGroup({ singleId, idMap }: SpecRequest): boolean {
  return idMap === undefined ? !singleId : outerId(idMap.gids, 5) !== undefined;
}

function namespacesForReaders(
  pod: PodNamespaces,
  container: ContainerPid,
  ownUser: boolean,
): { type: string }[] {
  return [
    ...(ownUser ? [{ type: "user" }] : []),
    { type: "mount" },
    { type: "cgroup" },
    ...(pod.network === "pod" ? [{ type: "network" }, { type: "uts" }] : []),
    ...(pod.ipc === "pod" ? [{ type: "ipc" }] : []),
    ...(container.pid === "node" ? [] : [{ type: "pid" }]),
  ];
}
