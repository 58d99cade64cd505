import { appArmorProfileLoaded, type RefusedPrivilege, refusedPrivileges } from "../native/security.ts";
import type { RuntimeSpec } from "../oci-runtime.ts";
import { appArmorLabel, defaultAppArmorProfile } from "../security/lsm.ts";
import { selinuxContextOf, selinuxEnforcing } from "../security/selinux.ts";
import type { ContainerRecord } from "../store/containers.ts";
import type { PodContext } from "./context.ts";

/** What confines a container beyond what its configuration says, as it is at this moment. */
export interface ContainerConfinement {
  /** Whether its first process is under a profile, and why it is not under lichen's own; undefined without AppArmor. */
  appArmor?: { label: string; note?: string };
  /** The context of its first process; undefined without SELinux. */
  selinux?: { context: string };
  /** Only of a privileged container: what it was refused all the same. */
  privileged?: PrivilegeNote;
}

/** The same for the node: what containers get by default. */
export interface NodeConfinement {
  appArmor: { active: boolean; defaultProfile: string; loaded: boolean };
  /** `context` is lichen's own, which containers that ask for no label have as well; without SELinux only `active`. */
  selinux: { active: boolean; enforcing?: boolean; context?: string };
  privileged: PrivilegeNote;
}

export interface PrivilegeNote {
  note: string;
  refused: RefusedPrivilege[];
}

const unloaded = `the profile ${defaultAppArmorProfile} is not loaded: lichen doctor says how to`;

/** Found out anew each time: profiles are loaded and removed, and sysctls changed, while lichen runs. */
export function nodeConfinement(context: PodContext): NodeConfinement {
  const active = context.security.appArmor;
  return {
    appArmor: {
      active,
      defaultProfile: defaultAppArmorProfile,
      loaded: active && appArmorProfileLoaded(defaultAppArmorProfile),
    },
    selinux: nodeSelinux(context.security.selinux),
    privileged: privilegeNote(context),
  };
}

function nodeSelinux(own: string): NodeConfinement["selinux"] {
  if (own === "") return { active: false };
  const enforcing = selinuxEnforcing();
  return { active: true, ...(enforcing === undefined ? {} : { enforcing }), context: own };
}

export function containerConfinement(
  context: PodContext,
  container: ContainerRecord,
  spec: Partial<RuntimeSpec>,
): ContainerConfinement {
  const label = context.security.appArmor ? appArmorLabel(container.pid) : "";
  const selinux = context.security.selinux === "" ? "" : selinuxContextOf(container.pid);
  const missing = spec.process?.apparmorDefault !== undefined && label === "unconfined";
  return {
    ...(label === "" ? {} : { appArmor: { label, ...(missing ? { note: unloaded } : {}) } }),
    ...(selinux === "" ? {} : { selinux: { context: selinux } }),
    ...(container.config.linux?.securityContext?.privileged ? { privileged: privilegeNote(context) } : {}),
  };
}

function privilegeNote(context: PodContext): PrivilegeNote {
  return {
    note: "root of a user namespace, not of the machine: the kernel refuses it here what is listed",
    refused: refusedPrivileges(context.runtimeDir),
  };
}
