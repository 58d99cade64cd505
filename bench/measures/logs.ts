import { statSync } from "node:fs";
import { ContainerState } from "../../proto/generated/cri.ts";
import type { Target } from "../support/target.ts";
import { waitFor } from "../support/wait.ts";
import { endPod, startPod } from "./pod-life.ts";

const lineBytes = 96;
const lines = 2_000_000;
// What the CRI format adds to each line: the time stamp, ` stdout F `.
const leastLogBytes = lines * (lineBytes + "2026-01-01T00:00:00Z stdout F ".length);

/** MB of payload per second that a container gets through the runtime into its CRI log, in lines of 96 bytes. */
export async function logThroughput(target: Target): Promise<number> {
  const line = "x".repeat(lineBytes - 1);
  const began = performance.now();
  const pod = await startPod(target, ["sh", "-c", `yes ${line} | head -n ${lines}`]);
  await waitFor(
    async () => {
      const { status } = await target.client.containerStatus({ containerId: pod.container });
      return (
        status?.state === ContainerState.CONTAINER_EXITED && statSync(status.logPath).size >= leastLogBytes
      );
    },
    180_000,
    `${target.name}: a log of ${lines} lines`,
  );
  const seconds = (performance.now() - began) / 1000;
  await endPod(target, pod);
  return (lines * lineBytes) / 1e6 / seconds;
}
