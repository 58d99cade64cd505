import { statSync } from "node:fs";
import { ContainerState } from "../../proto/generated/cri.ts";
import { cpuSeconds } from "../support/cpu.ts";
import type { Target } from "../support/target.ts";
import { waitFor } from "../support/wait.ts";
import { endPod, startPod } from "./pod-life.ts";

const lineBytes = 96;
const linesOfFile = 200_000;
const copies = 10;
// What the CRI format adds to each line: the time stamp, ` stdout F `.
const leastLogBytes = linesOfFile * copies * (lineBytes + "2026-01-01T00:00:00Z stdout F ".length);

/** Of a container's output on its way into the CRI log. */
export interface LogFigures {
  /** MB of payload per second. */
  throughput: number;
  /** Seconds of CPU that the runtime's processes use for a GB of payload. */
  cpuPerGigabyte: number;
}

/**
 * How a container gets lines of 96 bytes through the runtime into its CRI log. They come from a file that was written before, so that the
 * figures are the runtime's and not those of a program making lines.
 */
export async function logThroughput(target: Target): Promise<LogFigures> {
  const { client } = target;
  const copy = `cat ${"/lines ".repeat(copies)}`;
  const pod = await startPod(target, ["sh", "-c", `while [ ! -e /go ]; do sleep 0.02; done; ${copy}`]);
  const containerId = pod.container;
  const exec = (script: string) => client.execSync({ containerId, cmd: ["sh", "-c", script], timeout: 60 });
  await exec(`yes ${"x".repeat(lineBytes - 1)} | head -n ${linesOfFile} > /lines`);
  await exec("touch /go");
  const cpuBefore = cpuSeconds(target.cgroup, target.processes);
  const began = performance.now();
  await waitFor(
    async () => {
      const { status } = await client.containerStatus({ containerId });
      const ended = status?.state === ContainerState.CONTAINER_EXITED;
      return ended && statSync(status.logPath).size >= leastLogBytes;
    },
    180_000,
    `${target.name}: a log of ${linesOfFile * copies} lines`,
  );
  const seconds = (performance.now() - began) / 1000;
  const cpu = cpuSeconds(target.cgroup, target.processes) - cpuBefore;
  await endPod(target, pod);
  const gigabytes = (linesOfFile * copies * lineBytes) / 1e9;
  return { throughput: (gigabytes * 1000) / seconds, cpuPerGigabyte: cpu / gigabytes };
}
