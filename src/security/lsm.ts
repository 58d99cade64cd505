import { readFileSync } from "node:fs";
import { type SELinuxOption, type SecurityProfile, SecurityProfileProfileType } from "#cri";
import { LichenError } from "../errors.ts";

/**
 * Whether AppArmor is active, found by asking for our own label. The list of active modules is in securityfs, which the node's namespaces do
 * not show; without AppArmor the file is not there, or cannot be read.
 */
export function appArmorActive(label = "/proc/self/attr/apparmor/current"): boolean {
  try {
    return readFileSync(label, "utf8").trim() !== "";
  } catch {
    return false;
  }
}

export interface AppArmorRequest {
  apparmor: SecurityProfile | null;
  /** The deprecated string: `runtime/default`, `unconfined`, `localhost/<profile>`; only read without `apparmor`. */
  apparmorProfile: string;
}

/**
 * The AppArmor profile to run under, or undefined for none. The runtime's default is none: it ships no profile of its own, since loading
 * one takes root. FAILED_PRECONDITION when a profile is asked for by name and AppArmor is not active, for privileged containers too:
 * a profile that was named is meant. Whether it is loaded shows when the container is made; nobody without privilege may list profiles.
 */
export function resolveAppArmor(request: AppArmorRequest, active: boolean): string | undefined {
  const name = requestedAppArmor(request);
  if (name === undefined) return undefined;
  if (name === "" || /[\0\n]/.test(name))
    throw noProfile(name, "the profile's name is empty or no name at all");
  if (active) return name;
  throw new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "apply AppArmor profile",
    object: name,
    reason: "AppArmor is not active on this node",
    hint: "leave the profile out, or boot the node with AppArmor",
  });
}

const localhost = "localhost/";

function requestedAppArmor({ apparmor, apparmorProfile }: AppArmorRequest): string | undefined {
  if (apparmor !== null) {
    if (apparmor.profileType !== SecurityProfileProfileType.Localhost) return undefined;
    // Both forms are in use: the kubelet sends the bare name, other clients the deprecated field's.
    return withoutPrefix(apparmor.localhostRef);
  }
  if (apparmorProfile === "" || apparmorProfile === "runtime/default" || apparmorProfile === "unconfined") {
    return undefined;
  }
  if (apparmorProfile.startsWith(localhost)) return withoutPrefix(apparmorProfile);
  throw noProfile(apparmorProfile, "neither runtime/default nor unconfined nor localhost/<profile>");
}

const withoutPrefix = (reference: string): string =>
  reference.startsWith(localhost) ? reference.slice(localhost.length) : reference;

function noProfile(object: string, reason: string): LichenError {
  return new LichenError({ code: "INVALID_ARGUMENT", operation: "read AppArmor profile", object, reason });
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
