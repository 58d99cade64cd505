import { readFileSync } from "node:fs";
import { LichenError } from "../errors.ts";
import type { RlimitName, RuntimeRlimit } from "../oci-runtime.ts";

/** Each of rlimitNames, as /proc/PID/limits has them (proc_pid_limits(5)). */
const rows: Readonly<Record<RlimitName, string>> = {
  AS: "Max address space",
  CORE: "Max core file size",
  CPU: "Max cpu time",
  DATA: "Max data size",
  FSIZE: "Max file size",
  MEMLOCK: "Max locked memory",
  MSGQUEUE: "Max msgqueue size",
  NICE: "Max nice priority",
  NOFILE: "Max open files",
  NPROC: "Max processes",
  RTPRIO: "Max realtime priority",
  SIGPENDING: "Max pending signals",
  STACK: "Max stack size",
};

/**
 * Resource limits of every container: what is configured, and else those that the node was started with. Node.js raises its own limit of
 * open files, which would be inherited. FAILED_PRECONDITION for a hard limit above the node's own: raising it takes root.
 *
 * `own` and `starter`: text of /proc/PID/limits of this process and of the one that started it.
 */
export function containerRlimits(
  asked: Readonly<Record<string, string | undefined>>,
  own: string,
  starter: string,
): RuntimeRlimit[] {
  const limits = Object.entries(asked).flatMap(([name, text]) =>
    text === undefined ? [] : [configured(name, text, own)],
  );
  const [soft, hard] = limitsOf("NOFILE", starter);
  if (asked.NOFILE === undefined && Number.isSafeInteger(soft) && Number.isSafeInteger(hard)) {
    limits.push({ type: "RLIMIT_NOFILE", soft, hard });
  }
  return limits;
}

/** As containerRlimits, of this process. */
export function readContainerRlimits(asked: Readonly<Record<string, string | undefined>>): RuntimeRlimit[] {
  const read = (process: string | number) => readFileSync(`/proc/${process}/limits`, "utf8");
  return containerRlimits(asked, read("self"), read(process.ppid));
}

function configured(name: string, text: string, own: string): RuntimeRlimit {
  const [soft = 0, hard = soft] = text.split(":").map(Number);
  const [, highest] = limitsOf(name, own);
  const refuse = (code: "INVALID_ARGUMENT" | "FAILED_PRECONDITION", reason: string, hint: string) =>
    new LichenError({ code, operation: "read containers.rlimits", object: `${name} ${text}`, reason, hint });
  if (soft > hard) {
    throw refuse("INVALID_ARGUMENT", "the soft limit is above the hard one", 'write it as "SOFT:HARD"');
  }
  if (hard > highest) {
    const reason = `this user's own hard limit is ${highest}, and raising it takes root`;
    throw refuse(
      "FAILED_PRECONDITION",
      reason,
      "raise it in /etc/security/limits.conf, or in the systemd unit",
    );
  }
  return { type: `RLIMIT_${name}`, soft, hard };
}

/** Soft and hard limit; Infinity for unlimited, and for what the kernel does not list. */
function limitsOf(name: string, text: string): [soft: number, hard: number] {
  const row = text.split("\n").find((line) => line.startsWith(`${rows[name as RlimitName]} `));
  const number = (word: string | undefined) =>
    word === undefined || word === "unlimited" ? Number.POSITIVE_INFINITY : Number(word);
  const words =
    row
      ?.slice(rows[name as RlimitName]?.length)
      .trim()
      .split(/\s+/) ?? [];
  return [number(words[0]), number(words[1])];
}
