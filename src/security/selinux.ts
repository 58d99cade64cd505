import type { SELinuxOption } from "#cri";
import { LichenError } from "../errors.ts";
import { checkSelinuxContext, checkSelinuxFileContext } from "../native/security.ts";
import { text } from "../quiet-files.ts";

/** What a process, and the files made for it, are labelled with; both undefined: as lichen itself. */
export interface SelinuxLabels {
  /** `user:role:type:level`, of the container's processes. */
  process?: string;
  /** Of its root file system, its volatile file systems and the volumes that are to be relabelled; undefined where the policy has no such type. */
  files?: string;
}

/** What is asked of the loaded policy. */
export interface SelinuxPolicy {
  checkProcess(context: string): void;
  checkFile(context: string): void;
}

const kernel: SelinuxPolicy = { checkProcess: checkSelinuxContext, checkFile: checkSelinuxFileContext };

/** The type of containers' files in every policy that knows containers (container-selinux, refpolicy). */
const fileType = "container_file_t";

/**
 * The labels for a container or pod; none when no option is set. `own` is lichen's own context, which gives the parts that are not asked
 * for, and "" without SELinux. INVALID_ARGUMENT for what can be no part of a context; FAILED_PRECONDITION without SELinux, and when the policy does not have
 * the context or does not let lichen change to it.
 */
export function selinuxLabels(
  options: SELinuxOption | null,
  own: string,
  policy: SelinuxPolicy = kernel,
): SelinuxLabels {
  if (!asksForLabel(options)) return {};
  if (own === "") {
    throw new LichenError({
      code: "FAILED_PRECONDITION",
      operation: "apply SELinux label",
      object: joined([options.user, options.role, options.type, options.level]),
      reason: "SELinux is not active on this node",
      hint: "leave selinux_options out, or boot the node with SELinux",
    });
  }
  for (const part of ["user", "role", "type"] as const) checkPart(part, options[part], /^[\w.-]*$/);
  checkPart("level", options.level, /^[\w.:,-]*$/);
  const [user = "", role = "", type = "", ...level] = own.split(":");
  const parts = [options.user || user, options.role || role, options.type || type];
  const wanted = options.level || level.join(":");
  const process = joined([...parts, wanted]);
  policy.checkProcess(process);
  // A file has one level; of a range the lower one.
  const files = joined([parts[0]!, "object_r", fileType, wanted.split("-")[0]!]);
  return { process, ...(hasFileContext(files, policy) ? { files } : {}) };
}

export function asksForLabel(options: SELinuxOption | null): options is SELinuxOption {
  return options !== null && [options.user, options.role, options.type, options.level].some(Boolean);
}

/** The SELinux context of a process; "" for one that has ended. */
export function selinuxContextOf(pid: number): string {
  return pid === 0 ? "" : text(`/proc/${pid}/attr/current`).replace(/[\0\n]+$/, "");
}

/** Whether the policy is enforced; undefined where selinuxfs is not to be seen. */
export function selinuxEnforcing(file = "/sys/fs/selinux/enforce"): boolean | undefined {
  const mode = text(file).trim();
  return mode === "" ? undefined : mode === "1";
}

const joined = (parts: readonly string[]): string => parts.filter((part) => part !== "").join(":");

function hasFileContext(context: string, policy: SelinuxPolicy): boolean {
  try {
    policy.checkFile(context);
    return true;
  } catch {
    return false;
  }
}

function checkPart(name: string, value: string, allowed: RegExp): void {
  if (allowed.test(value)) return;
  throw new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "read SELinux label",
    object: `${name} ${JSON.stringify(value)}`,
    reason: "it has characters that no part of a context has",
  });
}
