import { releaseUnusedMemory } from "../native/memory.ts";

const firstMs = 500;
const everyMs = 5000;
const growthBytes = 4 * 1024 * 1024;

/**
 * Gives back, soon after the start and whenever the process has grown, what only starting up or a pull needed: a node that is
 * idle again is as small as it was. Does not keep the process alive.
 */
export function keepSmall(): void {
  let settled = 0;
  const look = () => {
    if (process.memoryUsage.rss() < settled + growthBytes) return;
    globalThis.gc?.();
    releaseUnusedMemory();
    settled = process.memoryUsage.rss();
  };
  setTimeout(look, firstMs).unref();
  setInterval(look, everyMs).unref();
}
