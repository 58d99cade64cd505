import { chownSync, readFileSync, writeFileSync } from "node:fs";
import { hostname as nodeHostname } from "node:os";
import { join } from "node:path";
import type { PodSandboxConfig } from "#cri";
import type { Attachment } from "../../network/driver.ts";
import { hostsFile } from "../../network/hosts-file.ts";
import { resolvConf } from "../../network/resolv-conf.ts";
import type { PodFiles } from "../spec/mounts.ts";

/** The name that the pod's processes see. */
export function podHostname(config: PodSandboxConfig): string {
  return config.hostname || nodeHostname();
}

/** Where a pod's files lie in its runtime directory. */
export function podFiles(directory: string): PodFiles {
  return {
    hostname: join(directory, "hostname"),
    hosts: join(directory, "hosts"),
    resolvConf: join(directory, "resolv.conf"),
  };
}

/**
 * Writes hostname, hosts and resolv.conf; on the node's network, hosts is a copy of the node's. Synchronous: on a tmpfs that
 * is cheaper than a turn of the thread pool.
 */
export function writePodFiles(
  directory: string,
  config: PodSandboxConfig,
  pod: {
    network: "pod" | "node";
    ips: readonly string[];
    dns: Attachment["dns"];
    uplinkServers: readonly string[];
    /** The address that leads to the host's loopback; undefined where none does. */
    hostLoopback: string | undefined;
    /** Whom they belong to; undefined: the node's root, which is the pod's too. */
    owner: { uid: number; gid: number } | undefined;
  },
): void {
  const files = podFiles(directory);
  const hostname = podHostname(config);
  const nodeConf = textOf("/etc/resolv.conf");
  const hosts =
    pod.network === "node" ? textOf("/etc/hosts") : hostsFile(hostname, pod.ips, pod.hostLoopback);
  const resolver = resolvConf(config.dnsConfig, {
    network: pod.dns,
    uplinkServers: pod.uplinkServers,
    nodeConf,
    resolvedConf: textOf("/run/systemd/resolve/resolv.conf"),
  });
  writeFileSync(files.hostname, `${hostname}\n`);
  writeFileSync(files.hosts, hosts);
  writeFileSync(files.resolvConf, resolver);
  if (pod.owner === undefined) return;
  for (const file of Object.values(files)) chownSync(file, pod.owner.uid, pod.owner.gid);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
