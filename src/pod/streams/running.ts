import { LichenError } from "../../errors.ts";
import type { ContainerRecord } from "../../store/containers.ts";
import type { PodContext } from "../context.ts";

/** The container if it runs; FAILED_PRECONDITION otherwise. */
export function runningContainer(context: PodContext, idPrefix: string, operation: string): ContainerRecord {
  return containerIn(context, idPrefix, operation, ["running"]);
}

/** The container if it runs or waits to be started, so that a client can be there for its first byte. */
export function attachableContainer(context: PodContext, idPrefix: string): ContainerRecord {
  return containerIn(context, idPrefix, "attach to container", ["created", "running"]);
}

function containerIn(
  context: PodContext,
  idPrefix: string,
  operation: string,
  states: ContainerRecord["state"][],
): ContainerRecord {
  const container = context.containers.get(idPrefix);
  if (states.includes(container.state)) return container;
  throw new LichenError({
    code: "FAILED_PRECONDITION",
    operation,
    object: container.id,
    reason: `the container is ${container.state}`,
  });
}
