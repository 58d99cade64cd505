import { readOnce } from "./files.ts";
import { afterSpaces, numberAt, skipFields } from "./scan.ts";
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
  const interfaces: InterfaceUsage[] = [];
  let end = text.indexOf("\n", text.indexOf("\n") + 1);
  while (end >= 0 && end + 1 < text.length) {
    const start = end + 1;
    end = text.indexOf("\n", start);
    const colon = text.lastIndexOf(":", end < 0 ? text.length : end - 1);
    if (colon < start) continue;
    const figures: number[] = [];
    for (
      let at = afterSpaces(text, colon + 1);
      figures.length < 16;
      at = afterSpaces(text, skipFields(text, at, 1))
    )
      figures.push(numberAt(text, at));
    const [receive, transmit] = [traffic(figures, 0), traffic(figures, 8)];
    interfaces.push({ name: text.slice(start, colon).trim(), receive, transmit });
  }
  return interfaces;
}

function traffic(figures: readonly number[], first: number): TrafficUsage {
  const [bytes = 0, packets = 0, errors = 0, dropped = 0] = figures.slice(first, first + 4);
  return { bytes, packets, errors, dropped };
}
