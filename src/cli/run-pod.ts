import { randomUUID } from "node:crypto";
import { mkdir, rm, rmdir } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { PodSandbox } from "#cri";
import type { CriClient } from "../../proto/client.ts";
import { notExecuted } from "./report.ts";
import { containerConfig, podConfig, type RunRequest } from "./run-request.ts";
import { runLabel } from "./targets.ts";

/** A container and the pod made for it. */
export interface RunningPod {
  podSandboxId: string;
  containerId: string;
  /** The container's log in CRI format. */
  logPath: string;
}

/** Logs belong to whoever makes a pod; ours lie where the XDG base directory specification wants a user's logs. */
export function logsHome(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_STATE_HOME || join(homedir(), ".local/state"), "lichen/logs");
}

/**
 * Makes a pod with one container of the same name and starts it, by `start` if somebody wants to be there for its first byte. When
 * anything fails, nothing of the pod is left.
 */
export async function runPod(
  client: CriClient,
  request: RunRequest,
  start: (pod: RunningPod) => Promise<unknown> = ({ containerId }) => client.startContainer({ containerId }),
): Promise<RunningPod> {
  const uid = randomUUID();
  const logDirectory = join(logsHome(), uid);
  await mkdir(logDirectory, { recursive: true, mode: 0o700 });
  const sandboxConfig = { ...podConfig(request, uid), logDirectory };
  let podSandboxId: string | undefined;
  try {
    ({ podSandboxId } = await client.runPodSandbox({ config: sandboxConfig }));
    const config = { ...containerConfig(request), logPath: "container.log" };
    const { containerId } = await client.createContainer({ podSandboxId, sandboxConfig, config });
    const running = { podSandboxId, containerId, logPath: join(logDirectory, "container.log") };
    await start(running).catch(async (error: unknown) => {
      const answer = await client.containerStatus({ containerId }).catch(() => undefined);
      throw notExecuted(error, answer?.status?.exitCode ?? 0);
    });
    return running;
  } catch (error) {
    // The first failure is the one to report; what cannot be undone here `lichen pods` still shows.
    if (podSandboxId) await client.removePodSandbox({ podSandboxId }).catch(() => {});
    await rm(logDirectory, { recursive: true, force: true });
    throw error;
  }
}

/** Removes a pod with its containers, and the logs when `lichen run` has made it. */
export async function removePod(client: CriClient, pod: Pick<PodSandbox, "id" | "labels">): Promise<void> {
  const logs = pod.labels[runLabel] === "true" ? await logPaths(client, pod.id) : [];
  await client.stopPodSandbox({ podSandboxId: pod.id });
  await client.removePodSandbox({ podSandboxId: pod.id });
  for (const path of logs) {
    await rm(path, { force: true });
    await rmdir(dirname(path)).catch(() => {});
  }
}

async function logPaths(client: CriClient, podSandboxId: string): Promise<string[]> {
  const { containers } = await client.listContainers({ filter: { podSandboxId } });
  const answers = await Promise.all(containers.map(({ id }) => client.containerStatus({ containerId: id })));
  return answers
    .map(({ status }) => status?.logPath ?? "")
    .filter((path) => path.startsWith(`${logsHome()}/`));
}
