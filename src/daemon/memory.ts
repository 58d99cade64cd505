import { releaseUnusedMemory } from "../native/memory.ts";

const firstMs = 500;
const everyMs = 2000;
const growthBytes = 4 * 1024 * 1024;
/** Garbage of calls that go on: to collect it takes longer than many of them, so a busy daemon is left alone below this. */
const busyGrowthBytes = 16 * 1024 * 1024;
/** A daemon that is only polled by a kubelet uses less of a core than this, but for the moments of the polls themselves. */
const busyShare = 0.03;
/** What leaves behind so much garbage that it is worth collecting when it is over: pulls, and pods by the dozen. */
const workShare = 0.15;

/**
 * Gives back, soon after the start and whenever the process has grown or has become idle after work, what only starting up, a pull or many
 * pods needed: a node that is idle again is as small as it was. Does not keep the process alive.
 */
export function keepSmall(): void {
  let settled = 0;
  let worked = false;
  let before = { cpu: process.cpuUsage(), at: performance.now() };
  const look = () => {
    const { user, system } = process.cpuUsage(before.cpu);
    const share = (user + system) / 1000 / (performance.now() - before.at);
    const busy = share > busyShare;
    before = { cpu: process.cpuUsage(), at: performance.now() };
    worked ||= share > workShare;
    // What was collected under load is measured with the garbage of that moment: idle, it is worth another look.
    const becameIdle = worked && !busy;
    if (!becameIdle && process.memoryUsage.rss() < settled + (busy ? busyGrowthBytes : growthBytes)) return;
    globalThis.gc?.();
    releaseUnusedMemory();
    if (becameIdle) worked = false;
    settled = process.memoryUsage.rss();
    // Collecting is no work that would call for collecting again.
    before = { cpu: process.cpuUsage(), at: performance.now() };
  };
  setTimeout(look, firstMs).unref();
  setInterval(look, everyMs).unref();
}
