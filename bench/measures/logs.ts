import { statSync } from "node:fs";
import { ContainerState } from "../../proto/generated/cri.ts";
import type { Target } from "../support/target.ts";
import { waitFor } from "../support/wait.ts";
import { endPod, startPod } from "./pod-life.ts";

const lineBytes = 96;
const linesOfFile = 200_000;
const copies = 10;
// What the CRI format adds to each line: the time stamp, ` stdout F `.
const leastLogBytes = linesOfFile * copies * (lineBytes + "2026-01-01T00:00:00Z stdout F ".length);

/**
 * MB of payload per second that a container gets through the runtime into its CRI log, in lines of 96 bytes. They come from a
 * file that was written before, so that the figure is the runtime's and not that of a program making lines.
 */
export async function logThroughput(target: Target): Promise<number> {
  const { client } = target;
  const copy = `cat ${"/lines ".repeat(copies)}`;
  const pod = await startPod(target, ["sh", "-c", `while [ ! -e /go ]; do sleep 0.02; done; ${copy}`]);
  const containerId = pod.container;
  const exec = (script: string) => client.execSync({ containerId, cmd: ["sh", "-c", script], timeout: 60 });
  await exec(`yes ${"x".repeat(lineBytes - 1)} | head -n ${linesOfFile} > /lines`);
  await exec("touch /go");
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
  await endPod(target, pod);
  return (linesOfFile * copies * lineBytes) / 1e6 / seconds;
}
