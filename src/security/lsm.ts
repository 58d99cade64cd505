import { readFileSync } from "node:fs";
import { type SELinuxOption, type SecurityProfile, SecurityProfileProfileType } from "#cri";
import { LichenError } from "../errors.ts";

/** Names of the Linux security modules that are active, as securityfs lists them; empty when it cannot be read. */
export function activeSecurityModules(path = "/sys/kernel/security/lsm"): string[] {
  try {
    return readFileSync(path, "utf8").trim().split(",").filter(Boolean);
  } catch {
    return [];
  }
}

export interface AppArmorRequest {
  apparmor: SecurityProfile | null;
  /** The deprecated string: `runtime/default`, `unconfined`, `localhost/<profile>`; only read without `apparmor`. */
  apparmorProfile: string;
  privileged: boolean;
}

/**
 * The AppArmor profile to run under, or undefined for none. The runtime's default is none: it ships no profile of its own, since loading
 * one takes root. FAILED_PRECONDITION when a profile is asked for by name and AppArmor is not active.
 */
export function resolveAppArmor(request: AppArmorRequest, modules: readonly string[]): string | undefined {
  const name = requestedAppArmor(request);
  if (name === undefined || request.privileged) return undefined;
  if (modules.includes("apparmor")) return name;
  throw new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "apply AppArmor profile",
    object: name,
    reason: "AppArmor is not active on this node",
    hint: "leave the profile out, or boot the node with AppArmor",
  });
}

function requestedAppArmor(request: AppArmorRequest): string | undefined {
  const profile = request.apparmor;
  if (profile !== null) {
    return profile.profileType === SecurityProfileProfileType.Localhost ? profile.localhostRef : undefined;
  }
  const old = request.apparmorProfile;
  if (old === "" || old === "runtime/default" || old === "unconfined") return undefined;
  if (old.startsWith("localhost/")) return old.slice("localhost/".length);
  throw new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "read AppArmor profile",
    object: old,
    reason: "neither runtime/default nor unconfined nor localhost/<profile>",
  });
}

/** Refuses SELinux labels (FAILED_PRECONDITION): a container runs in the node's own context, since lichen sets no labels. */
export function refuseSelinuxLabels(options: SELinuxOption | null): void {
  if (options === null) return;
  const label = [options.user, options.role, options.type, options.level].filter(Boolean).join(":");
  if (label === "") return;
  throw new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "apply SELinux label",
    object: label,
    reason: "lichen sets no SELinux labels",
    hint: "leave selinux_options out",
  });
}
