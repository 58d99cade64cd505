import { type ContainerEventResponse, ContainerEventType, type Outgoing } from "#cri";
import type { ImageRecord } from "../../image/service.ts";
import type { LifeEvent } from "../../pod/service.ts";
import { containerStatusMessage } from "./container.ts";
import { sandboxStatusMessage } from "./sandbox.ts";

const types = {
  created: ContainerEventType.CONTAINER_CREATED_EVENT,
  started: ContainerEventType.CONTAINER_STARTED_EVENT,
  stopped: ContainerEventType.CONTAINER_STOPPED_EVENT,
  deleted: ContainerEventType.CONTAINER_DELETED_EVENT,
};

/** What GetContainerEvents tells of a step; `imageOf` finds an image by its id while it is there. */
export function eventMessage(
  { id, step, at, pod, containers }: LifeEvent,
  imageOf: (id: string) => ImageRecord | undefined,
): Outgoing<ContainerEventResponse> {
  return {
    containerId: id,
    containerEventType: types[step],
    createdAt: String(at),
    podSandboxStatus: pod && sandboxStatusMessage(pod),
    containersStatuses: containers.map((one) => containerStatusMessage(one, imageOf(one.image.id))),
  };
}
