import { isAbsolute } from "node:path";
import type { PodSandboxConfig } from "#cri";
import { LichenError } from "../../errors.ts";
import type { IdMap } from "../../native/id-map.ts";
import { hostPortMappings, type PortMapping } from "../../network/port-mappings.ts";
import { checkDnsConfig } from "../../network/resolv-conf.ts";
import { selinuxLabels } from "../../security/selinux.ts";
import { type PodNamespaces, podNamespaces } from "../spec/namespaces.ts";
import { podIdMap } from "../spec/user-namespace.ts";

/** The runtime handlers that a pod may ask for: there is one way of running pods, and "" names it as well. */
export const runtimeHandlers: readonly string[] = ["", "lichen"];

/** A pod's configuration after every check that needs nothing made. */
export interface CheckedPod {
  /** What must be unique among pods, in whatever state. */
  name: string;
  namespaces: PodNamespaces;
  /** Of the pod's own user namespace; undefined in the node's. */
  idMap: IdMap | undefined;
  /** "" for the node's own. */
  hostname: string;
  sysctls: Record<string, string>;
  /** What is to be served on the host; on the node's network a port of the container is one of the node already. */
  hostPorts: PortMapping[];
}

/** Refuses what is wrong or cannot be done, before anything is made; `selinux` is the node's own context, "" without SELinux. */
export function checkPod(config: PodSandboxConfig, runtimeHandler: string, selinux = ""): CheckedPod {
  if (!runtimeHandlers.includes(runtimeHandler)) {
    throw invalid("runtime_handler", runtimeHandler, "no such runtime handler", 'use "" or "lichen"');
  }
  const { metadata } = config;
  if (metadata === null || metadata.name === "") throw invalid("metadata.name", "", "it is empty");
  if (config.windows !== null) throw invalid("windows", "", "lichen runs Linux containers");
  const context = config.linux?.securityContext ?? null;
  const namespaces = podNamespaces(context?.namespaceOptions ?? null);
  const idMap = podIdMap(context?.namespaceOptions ?? null);
  selinuxLabels(context?.selinuxOptions ?? null, selinux);
  checkHostname(config.hostname);
  checkDnsConfig(config.dnsConfig);
  if (config.logDirectory !== "" && !isAbsolute(config.logDirectory)) {
    throw invalid("log_directory", config.logDirectory, "not an absolute path");
  }
  return {
    name: [metadata.namespace, metadata.name, metadata.uid, metadata.attempt].join("/"),
    namespaces,
    idMap,
    hostname: namespaces.network === "node" ? "" : config.hostname,
    hostPorts: namespaces.network === "node" ? [] : hostPortMappings(config.portMappings),
    sysctls: checkedSysctls(config.linux?.sysctls ?? {}, namespaces),
  };
}

/** hostname(7): the kernel takes 64 bytes. */
function checkHostname(hostname: string): void {
  if (hostname === "" || /^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,62}[a-zA-Z0-9])?$/.test(hostname)) return;
  throw invalid("hostname", hostname, "not a host name of at most 64 letters, digits, dots and hyphens");
}

/** What the kernel keeps for each IPC namespace (ipc_namespaces(7)). */
function isOfIpc(name: string): boolean {
  const own = /^kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)$/;
  return name.startsWith("fs.mqueue.") || own.test(name);
}

/** sysctl.d(5) writes names with dots; slashes are taken as well. The kernel itself refuses what the namespace may not set. */
function checkedSysctls(sysctls: Record<string, string>, namespaces: PodNamespaces): Record<string, string> {
  return Object.fromEntries(
    Object.entries(sysctls).map(([key, value]) => {
      const name = key.replaceAll("/", ".");
      if (!/^[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)+$/.test(name))
        throw invalid("sysctls", key, "not a sysctl name");
      const needs = name.startsWith("net.") ? "network" : isOfIpc(name) ? "ipc" : undefined;
      if (needs === undefined) {
        throw invalid(
          "sysctls",
          key,
          "no parameter of a pod's own network or IPC namespace: it would change the node",
        );
      }
      if (namespaces[needs] === "node") {
        throw invalid(
          "sysctls",
          key,
          `it would change the node: the pod shares the node's ${needs} namespace`,
        );
      }
      return [name, value];
    }),
  );
}

function invalid(member: string, value: string, reason: string, hint?: string): LichenError {
  return new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "check pod sandbox",
    object: `${member} ${value}`.trim(),
    reason,
    ...(hint === undefined ? {} : { hint }),
  });
}
