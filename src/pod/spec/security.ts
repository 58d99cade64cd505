import { readFileSync } from "node:fs";
import type { LinuxContainerSecurityContext, SELinuxOption } from "#cri";
import { selinuxContext } from "../../native/security.ts";
import type { RuntimeCapabilities, RuntimeSeccomp } from "../../oci-runtime.ts";
import { resolveCapabilities } from "../../security/capabilities.ts";
import { type AppArmorChoice, appArmorActive, resolveAppArmor } from "../../security/lsm.ts";
import { type PathProtection, protectedPaths } from "../../security/paths.ts";
import { resolveSeccomp } from "../../security/seccomp.ts";
import { asksForLabel, type SelinuxLabels, selinuxLabels } from "../../security/selinux.ts";

/** What the kernel of this node offers; read once. */
export interface NodeSecurity {
  lastCapability: number;
  appArmor: boolean;
  /** The context that lichen runs in; "" where SELinux is not active. */
  selinux: string;
  /** The daemon's own OOM score: without privilege nobody goes below it. */
  oomScoreAdj: number;
}

export function readNodeSecurity(): NodeSecurity {
  return {
    lastCapability: Number(readFileSync("/proc/sys/kernel/cap_last_cap", "utf8")),
    appArmor: appArmorActive(),
    selinux: selinuxContext(),
    oomScoreAdj: Number(readFileSync("/proc/self/oom_score_adj", "utf8")),
  };
}

export interface ContainerSecurity {
  privileged: boolean;
  readonlyRootfs: boolean;
  noNewPrivileges: boolean;
  capabilities: RuntimeCapabilities;
  seccomp: RuntimeSeccomp | undefined;
  appArmor: AppArmorChoice;
  selinux: SelinuxLabels;
  paths: PathProtection;
}

/**
 * Everything of a container's security context but its user and namespaces, checked and with the defaults filled in. A container that
 * asks for no SELinux label has its pod's.
 */
export function containerSecurity(
  context: LinuxContainerSecurityContext | null,
  node: NodeSecurity,
  podSelinux: SELinuxOption | null = null,
): ContainerSecurity {
  const privileged = context?.privileged ?? false;
  const ownSelinux = context?.selinuxOptions ?? null;
  const selinux = selinuxLabels(asksForLabel(ownSelinux) ? ownSelinux : podSelinux, node.selinux);
  const capabilities = resolveCapabilities({
    privileged,
    capabilities: context?.capabilities ?? null,
    lastCapability: node.lastCapability,
  });
  return {
    privileged,
    readonlyRootfs: context?.readonlyRootfs ?? false,
    noNewPrivileges: context?.noNewPrivs ?? false,
    capabilities,
    seccomp: resolveSeccomp(
      {
        seccomp: context?.seccomp ?? null,
        seccompProfilePath: context?.seccompProfilePath ?? "",
        privileged,
      },
      capabilities.bounding,
    ),
    appArmor: resolveAppArmor(
      {
        apparmor: context?.apparmor ?? null,
        apparmorProfile: context?.apparmorProfile ?? "",
        privileged,
      },
      node.appArmor,
    ),
    selinux,
    paths: protectedPaths({
      privileged,
      maskedPaths: context?.maskedPaths ?? [],
      readonlyPaths: context?.readonlyPaths ?? [],
    }),
  };
}
