import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ContainerRecord } from "../../store/containers.ts";
import { now, type PodContext, podDirectory } from "../context.ts";

/** How a container's first process ended, as the monitor reports and records it. */
export interface ContainerExit {
  container: string;
  /** The exit code, or 128 + signal. */
  code: number;
  signal: number;
  /** Nanoseconds since the epoch. */
  at: bigint;
  /** Killed because its cgroup ran out of memory. */
  oom: boolean;
}

/** Takes note of an exit and wakes who waits for it. Told twice, or of a container that is gone, it does nothing. */
export function containerExited(context: PodContext, exit: ContainerExit): void {
  const record = context.containers.exact(exit.container);
  if (record === undefined || record.state === "exited" || record.state === "creating") return;
  context.containers.update(record.id, {
    state: "exited",
    pid: 0,
    finishedAt: exit.at,
    exitCode: exit.code,
    reason: exit.oom ? "OOMKilled" : exit.code === 0 ? "Completed" : "Error",
    message: exit.signal === 0 ? "" : `killed by signal ${exit.signal}`,
  });
  context.exits.notify(record.id);
}

/**
 * What is known of the end of a container whose monitor is gone: its exit record, or, when the monitor died first and the kernel
 * took the container along, that it was killed.
 */
export function lostContainer(context: PodContext, record: ContainerRecord): void {
  const recorded = readExitRecord(context, record);
  if (recorded !== undefined) {
    containerExited(context, recorded);
    return;
  }
  if (record.state === "exited" || record.state === "creating") return;
  context.containers.update(record.id, {
    state: "exited",
    pid: 0,
    finishedAt: now(),
    exitCode: 137,
    reason: "Unknown",
    message: "the pod's monitor died, and the container with it",
  });
  context.exits.notify(record.id);
}

function readExitRecord(context: PodContext, record: ContainerRecord): ContainerExit | undefined {
  const path = join(podDirectory(context, record.sandboxId), "exits", record.id);
  try {
    const { code, signal, at, oom } = JSON.parse(readFileSync(path, "utf8"));
    return {
      container: record.id,
      code: Number(code),
      signal: Number(signal),
      at: BigInt(at),
      oom: oom === true,
    };
  } catch {
    return undefined;
  }
}
