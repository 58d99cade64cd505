import { type SecurityProfile, SecurityProfileProfileType } from "#cri";
import { LichenError } from "../errors.ts";
import { text } from "../quiet-files.ts";

/**
 * Whether AppArmor is active, found by asking for our own label. The list of active modules is in securityfs, which the node's namespaces do
 * not show; without AppArmor the file is not there, or cannot be read.
 */
export function appArmorActive(label = "/proc/self/attr/apparmor/current"): boolean {
  return text(label).trim() !== "";
}

/** The AppArmor profile that a process is under and its mode, `lichen-default (enforce)`; "" for a process that has ended. */
export function appArmorLabel(pid: number): string {
  return pid === 0 ? "" : text(`/proc/${pid}/attr/apparmor/current`).trim();
}

export interface AppArmorRequest {
  apparmor: SecurityProfile | null;
  /** The deprecated string: `runtime/default`, `unconfined`, `localhost/<profile>`; only read without `apparmor`. */
  apparmorProfile: string;
  privileged: boolean;
}

/** The profile of containers that ask for the runtime's default, or for nothing, as soon as an administrator has loaded it. */
export const defaultAppArmorProfile = "lichen-default";

/** What AppArmor is asked for: one profile, which must be loaded; or one that is taken if it is; or nothing. */
export interface AppArmorChoice {
  apparmorProfile?: string;
  apparmorDefault?: string;
}

/**
 * The AppArmor profile to run under. The runtime's default is `lichen-default` where that is loaded: found out when the container is
 * made, since nobody without privilege may list profiles, and loading one takes root; a privileged container has none by default.
 * FAILED_PRECONDITION when a profile is asked for by name and AppArmor is not active, for privileged containers too: a profile that was
 * named is meant.
 */
export function resolveAppArmor(request: AppArmorRequest, active: boolean): AppArmorChoice {
  const name = requestedAppArmor(request);
  if (name === runtimeDefault)
    return active && !request.privileged ? { apparmorDefault: defaultAppArmorProfile } : {};
  if (name === unconfined) return {};
  if (name === "" || /[\0\n]/.test(name))
    throw noProfile(name, "the profile's name is empty or no name at all");
  if (active) return { apparmorProfile: name };
  throw new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "apply AppArmor profile",
    object: name,
    reason: "AppArmor is not active on this node",
    hint: "leave the profile out, or boot the node with AppArmor",
  });
}

const localhost = "localhost/";
const runtimeDefault = Symbol("the runtime's default");
const unconfined = Symbol("no profile");

function requestedAppArmor({ apparmor, apparmorProfile }: AppArmorRequest) {
  if (apparmor !== null) {
    if (apparmor.profileType === SecurityProfileProfileType.Unconfined) return unconfined;
    if (apparmor.profileType !== SecurityProfileProfileType.Localhost) return runtimeDefault;
    // Both forms are in use: the kubelet sends the bare name, other clients the deprecated field's.
    return withoutPrefix(apparmor.localhostRef);
  }
  if (apparmorProfile === "" || apparmorProfile === "runtime/default") return runtimeDefault;
  if (apparmorProfile === "unconfined") return unconfined;
  if (apparmorProfile.startsWith(localhost)) return withoutPrefix(apparmorProfile);
  throw noProfile(apparmorProfile, "neither runtime/default nor unconfined nor localhost/<profile>");
}

const withoutPrefix = (reference: string): string =>
  reference.startsWith(localhost) ? reference.slice(localhost.length) : reference;

function noProfile(object: string, reason: string): LichenError {
  return new LichenError({ code: "INVALID_ARGUMENT", operation: "read AppArmor profile", object, reason });
}
