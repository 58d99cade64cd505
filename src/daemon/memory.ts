import { releaseUnusedMemory } from "../native/memory.ts";
import { Tidiness } from "./tidiness.ts";

const firstMs = 500;
const everyMs = 2000;

/**
 * Gives back, soon after the start and whenever the process has grown or has become idle after work, what only starting up, a pull or many
 * pods needed: a node that is idle again is as small as it was. Does not keep the process alive.
 */
export function keepSmall(): void {
  const tidiness = new Tidiness();
  let before = { cpu: process.cpuUsage(), at: performance.now() };
  const look = () => {
    const { user, system } = process.cpuUsage(before.cpu);
    const now = performance.now();
    const share = (user + system) / 1000 / (now - before.at);
    if (tidiness.due(now, share, process.memoryUsage.rss())) {
      globalThis.gc?.();
      releaseUnusedMemory();
      tidiness.done(process.memoryUsage.rss());
    }
    // Collecting is no work that would call for collecting again.
    before = { cpu: process.cpuUsage(), at: performance.now() };
  };
  setTimeout(look, firstMs).unref();
  setInterval(look, everyMs).unref();
}
