import { readdirSync, readFileSync } from "node:fs";
import type { Target } from "../support/target.ts";
import { podsPerSecond } from "./pod-life.ts";

/** Time for threads and buffers of many calls to be given back. */
const settleMs = 12_000;

export interface Growth {
  /** Descriptors of the daemon more than before. */
  descriptors: number;
  /** Resident memory of the daemon, percent more than before. */
  memoryPercent: number;
}

/** How much larger the daemon is after so many whole lives of pods than after the first tenth of them, which fill caches and heap. */
export async function growth(target: Target, daemonPid: number, lives: number): Promise<Growth> {
  const look = async () => {
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    return { descriptors: readdirSync(`/proc/${daemonPid}/fd`).length, kibibytes: residentOf(daemonPid) };
  };
  await podsPerSecond(target, 8, Math.ceil(lives / 10));
  const before = await look();
  await podsPerSecond(target, 8, lives);
  const after = await look();
  return {
    descriptors: after.descriptors - before.descriptors,
    memoryPercent: (after.kibibytes / before.kibibytes - 1) * 100,
  };
}

function residentOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
