import { readFileSync } from "node:fs";
import { isAbsolute } from "node:path";
import { type SecurityProfile, SecurityProfileProfileType } from "#cri";
import { LichenError } from "../errors.ts";
import type { RuntimeSeccomp } from "../oci-runtime.ts";
import { defaultSeccompProfile } from "./seccomp-default.ts";

export interface SeccompRequest {
  seccomp: SecurityProfile | null;
  /** The deprecated string: `runtime/default`, `docker/default`, `unconfined`, `localhost/<path>`; only read without `seccomp`. */
  seccompProfilePath: string;
  privileged: boolean;
}

const actions = new Set([
  "SCMP_ACT_ALLOW",
  "SCMP_ACT_ERRNO",
  "SCMP_ACT_KILL",
  "SCMP_ACT_KILL_PROCESS",
  "SCMP_ACT_KILL_THREAD",
  "SCMP_ACT_LOG",
  "SCMP_ACT_TRACE",
  "SCMP_ACT_TRAP",
]);

/**
 * The seccomp filter of a container, or undefined for none: nothing asked for is unconfined, as CRI has it, and a privileged container
 * is never confined. A localhost profile is a file in the OCI runtime spec's form (`linux.seccomp`).
 */
export function resolveSeccomp(
  request: SeccompRequest,
  capabilities: readonly string[],
): RuntimeSeccomp | undefined {
  const profile = requestedProfile(request);
  if (request.privileged || profile === "unconfined") return undefined;
  return profile === "default" ? defaultSeccompProfile(capabilities) : readProfile(profile.path);
}

function requestedProfile(request: SeccompRequest): "unconfined" | "default" | { path: string } {
  const profile = request.seccomp;
  if (profile !== null) {
    if (profile.profileType === SecurityProfileProfileType.RuntimeDefault) return "default";
    if (profile.profileType === SecurityProfileProfileType.Unconfined) return "unconfined";
    return { path: profile.localhostRef };
  }
  const old = request.seccompProfilePath;
  if (old === "" || old === "unconfined") return "unconfined";
  if (old === "runtime/default" || old === "docker/default") return "default";
  if (old.startsWith("localhost/")) return { path: old.slice("localhost/".length) };
  throw invalid(old, "neither runtime/default nor unconfined nor localhost/<path>");
}

function readProfile(path: string): RuntimeSeccomp {
  if (!isAbsolute(path)) throw invalid(path, "the path of a localhost profile must be absolute");
  let profile: unknown;
  try {
    profile = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new LichenError({
      code: "FAILED_PRECONDITION",
      operation: "read seccomp profile",
      object: path,
      reason: error instanceof Error ? error.message : String(error),
      hint: "put the profile on the node, as JSON in the form of the OCI runtime specification",
      cause: error,
    });
  }
  if (!isObject(profile)) throw invalid(path, "not a JSON object");
  checkAction(path, "defaultAction", profile.defaultAction);
  const syscalls = profile.syscalls ?? [];
  if (!Array.isArray(syscalls)) throw invalid(path, "syscalls is not a list");
  for (const [index, rule] of syscalls.entries()) {
    if (!isObject(rule) || !Array.isArray(rule.names) || !rule.names.every((n) => typeof n === "string")) {
      throw invalid(path, `syscalls[${index}].names is not a list of strings`);
    }
    checkAction(path, `syscalls[${index}].action`, rule.action);
  }
  return profile as unknown as RuntimeSeccomp;
}

function checkAction(path: string, member: string, action: unknown): void {
  if (typeof action === "string" && actions.has(action)) return;
  const given = action === undefined ? "missing" : JSON.stringify(action);
  throw invalid(path, `${member} is ${given}, allowed are ${[...actions].join(", ")}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(object: string, reason: string): LichenError {
  return new LichenError({ code: "INVALID_ARGUMENT", operation: "read seccomp profile", object, reason });
}
