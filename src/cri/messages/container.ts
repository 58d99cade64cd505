import { type Container, ContainerState, type ContainerStatus, type Outgoing } from "#cri";
import type { ImageRecord } from "../../image/service.ts";
import type { ContainerRecord } from "../../pod/service.ts";
import { encodedOnce } from "./encoded-once.ts";
import { signalOf } from "./signal.ts";

const states = {
  creating: ContainerState.CONTAINER_UNKNOWN,
  created: ContainerState.CONTAINER_CREATED,
  running: ContainerState.CONTAINER_RUNNING,
  exited: ContainerState.CONTAINER_EXITED,
};

/** What ListContainers tells about a container. */
export const listedContainer = encodedOnce<ContainerRecord, Container>("Container", containerMessage);

export function containerMessage(container: ContainerRecord): Outgoing<Container> {
  return {
    id: container.id,
    podSandboxId: container.sandboxId,
    metadata: container.config.metadata,
    image: container.config.image,
    imageRef: container.image.id,
    imageId: container.image.id,
    state: states[container.state],
    createdAt: String(container.createdAt),
    labels: container.config.labels,
    annotations: container.config.annotations,
  };
}

/** What ContainerStatus tells about a container; `image` is its image's record while the image is there. */
export function containerStatusMessage(
  container: ContainerRecord,
  image: ImageRecord | undefined,
): Outgoing<ContainerStatus> {
  const { config } = container;
  return {
    id: container.id,
    metadata: config.metadata,
    state: states[container.state],
    createdAt: String(container.createdAt),
    startedAt: String(container.startedAt),
    finishedAt: String(container.finishedAt),
    exitCode: container.exitCode,
    // The name in `image` is for people, as containerd has it: a tag rather than the id that a kubelet asked for.
    image: { ...config.image, image: image?.tags[0] ?? image?.digests[0] ?? config.image?.image ?? "" },
    imageRef: container.image.ref,
    imageId: container.image.id,
    reason: container.reason,
    message: container.message,
    labels: config.labels,
    annotations: config.annotations,
    mounts: config.mounts,
    logPath: container.logPath,
    resources: { linux: config.linux?.resources ?? null },
    user: { linux: container.user },
    stopSignal: signalOf(container.stopSignal),
  };
}
