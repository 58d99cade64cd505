import type { Capability } from "#cri";
import { LichenError } from "../errors.ts";
import type { RuntimeCapabilities } from "../oci-runtime.ts";

/** All capabilities by number (linux/capability.h); what the running kernel does not know is left out by lastCapability. */
const names =
  `CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
  NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT
  SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
  WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`.split(/\s+/);

/** What a container gets when nothing is asked for: the set that Docker chose and every runtime kept. */
const defaults = new Set(
  `CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL
  AUDIT_WRITE`.split(/\s+/),
);

export interface CapabilityRequest {
  privileged: boolean;
  capabilities: Capability | null;
  /** Number of the highest capability of the running kernel (/proc/sys/kernel/cap_last_cap). */
  lastCapability: number;
}

/**
 * The capability sets of a container's first process: the defaults (all of them when privileged), plus what is added, minus what
 * is dropped. A name weighs more than ALL (drop ALL with add KILL leaves KILL), and of two that weigh the same, drop wins. They are capabilities over the node's user namespace, never over the host. INVALID_ARGUMENT for an unknown name.
 */
export function resolveCapabilities(request: CapabilityRequest): RuntimeCapabilities {
  const known = names.slice(0, request.lastCapability + 1);
  const ask = (list: string[] | undefined) =>
    new Set((list ?? []).map((name) => canonical(name, known)).filter((name) => name !== undefined));
  const add = ask(request.capabilities?.addCapabilities);
  const drop = ask(request.capabilities?.dropCapabilities);
  const ambient = ask(request.capabilities?.addAmbientCapabilities);
  for (const name of ambient) add.add(name);

  const granted = known.filter((name) => {
    if (request.privileged) return true;
    if (drop.has(name)) return false;
    if (add.has(name)) return true;
    if (drop.has("ALL")) return false;
    return add.has("ALL") || defaults.has(name);
  });
  const set = granted.map(prefixed);
  const inherited = granted.filter((name) => ambient.has(name) || ambient.has("ALL")).map(prefixed);
  return { bounding: set, effective: set, permitted: set, inheritable: inherited, ambient: inherited };
}

function prefixed(name: string): string {
  return `CAP_${name}`;
}

/** The name without CAP_, in capitals; undefined for one that this kernel is too old to know. */
function canonical(name: string, known: string[]): string | undefined {
  const upper = name.toUpperCase().replace(/^CAP_/, "");
  if (upper === "ALL" || known.includes(upper)) return upper;
  if (names.includes(upper)) return undefined;
  throw new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "resolve capabilities",
    object: name,
    reason: "no such capability",
    hint: "use the names of capabilities(7), with or without CAP_, or ALL",
  });
}
