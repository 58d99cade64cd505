import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type ContainerConfig,
  ContainerState,
  type ContainerStatus,
  type Outgoing,
  type PodSandboxConfig,
} from "#cri";
import { parseLogLine, printed } from "../../src/cli/log.ts";
import { demoImage } from "../fixtures/image-demo.ts";
import { Registry } from "../fixtures/registry.ts";
import type { LichenNode } from "./node.ts";
import { slowness } from "./patience.ts";

/** Serves the busybox image from a registry in this process and pulls it. Gives its reference. */
export async function pullBusybox(node: LichenNode): Promise<string> {
  const registry = await Registry.start();
  registry.push("library/busybox", await demoImage(), "latest");
  const reference = `${registry.host}/library/busybox:latest`;
  await node.client.pullImage({ image: { image: reference } });
  return reference;
}

/** A pod's configuration as a kubelet writes it, with a log directory of its own. */
export function podConfig(
  node: LichenNode,
  name: string,
  more: Outgoing<PodSandboxConfig> = {},
): Outgoing<PodSandboxConfig> {
  const logDirectory = join(node.base, "logs", name);
  mkdirSync(logDirectory, { recursive: true });
  return {
    metadata: { name, namespace: "test", uid: `uid-${name}`, attempt: 0 },
    hostname: name,
    logDirectory,
    ...more,
  };
}

export interface TestPod {
  id: string;
  config: Outgoing<PodSandboxConfig>;
}

export async function runPod(
  node: LichenNode,
  name: string,
  more: Outgoing<PodSandboxConfig> = {},
): Promise<TestPod> {
  const config = podConfig(node, name, more);
  const { podSandboxId } = await node.client.runPodSandbox({ config });
  return { id: podSandboxId, config };
}

/** Makes a container that runs `script` in a shell, without starting it. */
export async function createContainer(
  node: LichenNode,
  pod: TestPod,
  image: string,
  name: string,
  script: string,
  more: Outgoing<ContainerConfig> = {},
): Promise<string> {
  const { containerId } = await node.client.createContainer({
    podSandboxId: pod.id,
    sandboxConfig: pod.config,
    config: {
      metadata: { name, attempt: 0 },
      image: { image },
      command: ["sh", "-c", script],
      logPath: `${name}.log`,
      ...more,
    },
  });
  return containerId;
}

/** As createContainer, and starts it. */
export async function runContainer(...args: Parameters<typeof createContainer>): Promise<string> {
  const containerId = await createContainer(...args);
  await args[0].client.startContainer({ containerId });
  return containerId;
}

export async function containerStatus(node: LichenNode, containerId: string): Promise<ContainerStatus> {
  const { status } = await node.client.containerStatus({ containerId });
  if (!status) throw new Error(`no status of container ${containerId}`);
  return status;
}

/** Waits until the container has ended. */
export async function exited(node: LichenNode, containerId: string): Promise<ContainerStatus> {
  return eventually(async () => {
    const status = await containerStatus(node, containerId);
    if (status.state !== ContainerState.CONTAINER_EXITED)
      throw new Error(`state ${status.state}, not exited`);
    return status;
  });
}

/** What a container has printed to one stream, without times. */
export function logOf(path: string, stream: "stdout" | "stderr" = "stdout"): string {
  return readFileSync(path, "utf8")
    .split("\n")
    .map(parseLogLine)
    .filter((line) => line?.stream === stream)
    .map((line) => (line ? printed(line) : ""))
    .join("");
}

/** Tries until it no longer throws; fails with the last error after `milliseconds`. */
export async function eventually<T>(
  attempt: () => T | Promise<T>,
  milliseconds = 10_000 * slowness,
): Promise<T> {
  const began = Date.now();
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() - began > milliseconds) throw error;
      await sleep(20);
    }
  }
}
