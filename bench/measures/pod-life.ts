import { timed } from "../support/statistics.ts";
import { images, type Target } from "../support/target.ts";

let counter = 0;

/** Milliseconds of each step in the life of a pod with one container. */
export interface LifeTimes {
  runPodSandbox: number;
  createContainer: number;
  startContainer: number;
  stopContainer: number;
  stopPodSandbox: number;
  removePodSandbox: number;
}

export interface StartedPod {
  sandbox: string;
  container: string;
  times: Pick<LifeTimes, "runPodSandbox" | "createContainer" | "startContainer">;
}

/** A pod with its own network and one container that runs `command`. */
export async function startPod(
  target: Target,
  command: readonly string[] = ["sleep", "1000000"],
): Promise<StartedPod> {
  const name = `bench-${process.pid}-${counter++}`;
  const config = {
    metadata: { name, namespace: "bench", uid: name, attempt: 0 },
    logDirectory: `${target.logs}/${name}`,
    linux: { cgroupParent: `/pods/${name}` },
  };
  const { client } = target;
  const [runPodSandbox, { podSandboxId: sandbox }] = await timed(() =>
    client.runPodSandbox({ config, runtimeHandler: target.handler }),
  );
  const container = {
    metadata: { name: "main", attempt: 0 },
    image: { image: images.busybox },
    command: [...command],
    logPath: "main.log",
    linux: {},
  };
  const [createContainer, { containerId }] = await timed(() =>
    client.createContainer({ podSandboxId: sandbox, config: container, sandboxConfig: config }),
  );
  const [startContainer] = await timed(() => client.startContainer({ containerId }));
  return { sandbox, container: containerId, times: { runPodSandbox, createContainer, startContainer } };
}

/** Stops the container without grace, then the pod, then removes both. */
export async function endPod(
  target: Target,
  pod: StartedPod,
): Promise<Pick<LifeTimes, "stopContainer" | "stopPodSandbox" | "removePodSandbox">> {
  const { client } = target;
  const [stopContainer] = await timed(() => client.stopContainer({ containerId: pod.container, timeout: 0 }));
  const [stopPodSandbox] = await timed(() => client.stopPodSandbox({ podSandboxId: pod.sandbox }));
  const [removePodSandbox] = await timed(() => client.removePodSandbox({ podSandboxId: pod.sandbox }));
  return { stopContainer, stopPodSandbox, removePodSandbox };
}

/** One whole life of a pod. */
export async function podLife(target: Target): Promise<LifeTimes> {
  const pod = await startPod(target);
  return { ...pod.times, ...(await endPod(target, pod)) };
}

export const podUp = (times: LifeTimes): number =>
  times.runPodSandbox + times.createContainer + times.startContainer;

export const wholeLife = (times: LifeTimes): number =>
  Object.values(times).reduce((sum, one) => sum + one, 0);

/** Whole lives per second with `clients` of them at once, over `lives` lives. */
export async function podsPerSecond(target: Target, clients: number, lives: number): Promise<number> {
  let left = lives;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (left-- > 0) await podLife(target);
    }),
  );
  return lives / ((performance.now() - began) / 1000);
}
