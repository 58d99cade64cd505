import { type Code, LichenError } from "../errors.ts";

/** What the addon's errors and the monitor's error replies have in common. */
export interface NativeFailure {
  /** An errno's name, or a word of the core's own. */
  code: string;
  operation: string;
  object: string;
  reason: string;
}

/** The one place where errno names become our codes. What is not here is INTERNAL. */
const codes: Record<string, Code> = {
  ENOENT: "NOT_FOUND",
  ENODEV: "NOT_FOUND",
  ESRCH: "NOT_FOUND",
  NOT_FOUND: "NOT_FOUND",
  EEXIST: "ALREADY_EXISTS",
  EACCES: "PERMISSION_DENIED",
  EPERM: "PERMISSION_DENIED",
  EINVAL: "INVALID_ARGUMENT",
  E2BIG: "INVALID_ARGUMENT",
  EMSGSIZE: "INVALID_ARGUMENT",
  ENAMETOOLONG: "INVALID_ARGUMENT",
  ENOTDIR: "INVALID_ARGUMENT",
  ELOOP: "INVALID_ARGUMENT",
  ERANGE: "INVALID_ARGUMENT",
  EXDEV: "INVALID_ARGUMENT",
  ENOEXEC: "INVALID_ARGUMENT",
  INVALID_ADDRESS: "INVALID_ARGUMENT",
  INVALID_FIELD: "INVALID_ARGUMENT",
  INVALID_REQUEST: "INVALID_ARGUMENT",
  INVALID_SECCOMP: "INVALID_ARGUMENT",
  INVALID_SPEC: "INVALID_ARGUMENT",
  INVALID_SYSCTL: "INVALID_ARGUMENT",
  PATH_THROUGH_SYMLINK: "INVALID_ARGUMENT",
  PATH_THROUGH_FILE: "INVALID_ARGUMENT",
  HARD_LINK_WITHOUT_TARGET: "INVALID_ARGUMENT",
  SYMLINK_BELOW: "INVALID_ARGUMENT",
  IMAGE_PATH_MISSING: "INVALID_ARGUMENT",
  TOO_MANY_NAMES: "INVALID_ARGUMENT",
  UNKNOWN_CAPABILITY: "INVALID_ARGUMENT",
  UNKNOWN_RLIMIT: "INVALID_ARGUMENT",
  UNSAFE_SYSCTL: "INVALID_ARGUMENT",
  UNSUPPORTED_MOUNT: "INVALID_ARGUMENT",
  UNSUPPORTED_OPTION: "INVALID_ARGUMENT",
  MALFORMED_STREAM: "DATA_LOSS",
  ID_OUTSIDE_MAP: "FAILED_PRECONDITION",
  ENOSPC: "RESOURCE_EXHAUSTED",
  EDQUOT: "RESOURCE_EXHAUSTED",
  EMFILE: "RESOURCE_EXHAUSTED",
  ENFILE: "RESOURCE_EXHAUSTED",
  ENOMEM: "RESOURCE_EXHAUSTED",
  EAGAIN: "RESOURCE_EXHAUSTED",
  EBUSY: "FAILED_PRECONDITION",
  EADDRINUSE: "FAILED_PRECONDITION",
  EADDRNOTAVAIL: "FAILED_PRECONDITION",
  EAFNOSUPPORT: "FAILED_PRECONDITION",
  ENOTEMPTY: "FAILED_PRECONDITION",
  EROFS: "FAILED_PRECONDITION",
  EOPNOTSUPP: "FAILED_PRECONDITION",
  ENOSYS: "FAILED_PRECONDITION",
  RUNNING: "FAILED_PRECONDITION",
  NOT_RUNNING: "FAILED_PRECONDITION",
  NOT_CREATED: "FAILED_PRECONDITION",
  NO_TERMINAL: "FAILED_PRECONDITION",
  DIED: "FAILED_PRECONDITION",
  PROFILE_NOT_LOADED: "FAILED_PRECONDITION",
  NO_SUCH_CONTEXT: "FAILED_PRECONDITION",
  FORBIDDEN_CONTEXT: "FAILED_PRECONDITION",
  ECONNREFUSED: "UNAVAILABLE",
  ECONNRESET: "UNAVAILABLE",
  EPIPE: "UNAVAILABLE",
  EHOSTUNREACH: "UNAVAILABLE",
  ENETUNREACH: "UNAVAILABLE",
  ENOTFOUND: "UNAVAILABLE",
  ETIMEDOUT: "DEADLINE_EXCEEDED",
  UNKNOWN_OP: "UNIMPLEMENTED",
};

/** A failure of the core, wherever it happened, as the one error form. `native` (or its code) stays readable by nativeCode. */
export function toLichenError(native: NativeFailure, cause: unknown = native): LichenError {
  return new LichenError({
    code: codes[native.code] ?? "INTERNAL",
    operation: native.operation,
    object: native.object,
    reason: native.code === "" ? native.reason : `${native.reason} (${native.code})`,
    cause,
  });
}

/** The errno's name (or word of the core) that `error` began with, through every layer of context; undefined without one. */
export function nativeCode(error: unknown): string | undefined {
  for (let at = error; typeof at === "object" && at !== null; at = (at as { cause?: unknown }).cause) {
    const { code } = at as { code?: unknown };
    if (!(at instanceof LichenError) && typeof code === "string") return code;
  }
  return undefined;
}

/** Whether a value thrown by the addon is one of the core's errors (and not a TypeError about an argument). */
export function isNativeFailure(thrown: unknown): thrown is Error & NativeFailure {
  return (
    thrown instanceof Error && "operation" in thrown && "reason" in thrown && !(thrown instanceof LichenError)
  );
}
