import { readFileSync, readlinkSync } from "node:fs";
import { constants } from "node:os";
import { openPid, signalPid } from "../native/process.ts";
import { parseProcessStat, statField, ticksPerSecond } from "../process-stat.ts";
import type { ContainerRecord } from "../store/containers.ts";

const secondNs = 1_000_000_000n;

/**
 * Kills a container's first process whose monitor has died. The kernel does that by itself (PR_SET_PDEATHSIG), but forgets it when the
 * process executes a setuid program; and where no cgroup is delegated there is none to kill. A process that merely has the number of
 * one that ended is told by the time of its start.
 */
export function killOrphan(container: ContainerRecord): void {
  if (container.pid === 0 || container.cgroup !== "" || container.state === "exited") return;
  try {
    using pidfd = openPid(container.pid);
    if (isFirstProcess(container)) signalPid(pidfd, constants.signals.SIGKILL);
  } catch {
    // It has ended.
  }
}

/** Started before the container's creation was finished, and in a mount namespace of its own. */
function isFirstProcess({ pid, createdAt }: ContainerRecord): boolean {
  const namespace = (process: string | number) => readlinkSync(`/proc/${process}/ns/mnt`);
  const start = startOf(pid);
  return (
    start < createdAt + secondNs && start > createdAt - 60n * secondNs && namespace(pid) !== namespace("self")
  );
}

/** Nanoseconds since the epoch, as exact as the kernel tells it (proc_pid_stat(5), proc_stat(5)). */
function startOf(pid: number): bigint {
  const stat = parseProcessStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  const boot = /^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1] ?? "0";
  return BigInt(boot) * secondNs + (BigInt(stat(statField.startTime)) * secondNs) / BigInt(ticksPerSecond);
}
