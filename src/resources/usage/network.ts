import { readOnce } from "./files.ts";
import type { InterfaceUsage, TrafficUsage } from "./types.ts";

/** The interfaces of the network namespaces that these processes live in, but for loopback; none for a process that is gone, or 0. */
export async function networkUsage(pids: readonly number[]): Promise<InterfaceUsage[][]> {
  const texts = await readOnce(pids.filter((pid) => pid > 0).map((pid) => `/proc/${pid}/net/dev`));
  let next = 0;
  return pids.map((pid) =>
    parseNetDev(pid > 0 ? (texts[next++] ?? "") : "").filter(({ name }) => name !== "lo"),
  );
}

/** /proc/PID/net/dev, proc_pid_net(5): two lines of headings, then `name: ` eight figures received, eight transmitted. */
export function parseNetDev(text: string): InterfaceUsage[] {
  return text
    .split("\n")
    .slice(2)
    .filter((line) => line.includes(":"))
    .map((line) => {
      const colon = line.lastIndexOf(":");
      const figures = line
        .slice(colon + 1)
        .trim()
        .split(/\s+/)
        .map(Number);
      return {
        name: line.slice(0, colon).trim(),
        receive: traffic(figures.slice(0, 8)),
        transmit: traffic(figures.slice(8)),
      };
    });
}

function traffic([bytes = 0, packets = 0, errors = 0, dropped = 0]: readonly number[]): TrafficUsage {
  return { bytes, packets, errors, dropped };
}
