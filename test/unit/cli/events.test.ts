import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type ContainerEventResponse,
  ContainerEventType,
  type ContainerStatus,
  type PodSandboxStatus,
} from "#cri";
import { eventLine } from "../../../src/cli/commands/events.ts";

const podId = "p".repeat(64);
const id = "c".repeat(64);
const event = (
  type: ContainerEventType,
  of: string,
  status?: Partial<ContainerStatus>,
): ContainerEventResponse => ({
  containerId: of,
  containerEventType: type,
  createdAt: 1_764_000_000_123_000_000,
  podSandboxStatus: { id: podId, metadata: { name: "web" } } as PodSandboxStatus,
  containersStatuses: status === undefined ? [] : [{ id, ...status } as ContainerStatus],
});
const named = { metadata: { name: "main", attempt: 0 } };

test("a pod's step is its kind, its step and its name", () => {
  assert.equal(
    eventLine(event(ContainerEventType.CONTAINER_CREATED_EVENT, podId)),
    "2025-11-24T16:00:00.123Z pod created pppppppppppp web\n",
  );
});

test("a container's step names its pod, and its end how it ended", () => {
  const { CONTAINER_STARTED_EVENT, CONTAINER_STOPPED_EVENT } = ContainerEventType;
  assert.match(
    eventLine(event(CONTAINER_STARTED_EVENT, id, named)),
    / container started c{12} main pod=web\n$/,
  );
  const ended = { ...named, exitCode: 137, reason: "OOMKilled" };
  assert.match(
    eventLine(event(CONTAINER_STOPPED_EVENT, id, ended)),
    / container stopped c{12} main pod=web exit=137 reason=OOMKilled\n$/,
  );
});

test("a container that is gone has no name, and an unknown step its number", () => {
  assert.match(
    eventLine(event(ContainerEventType.CONTAINER_DELETED_EVENT, id)),
    / container deleted c{12} - pod=web\n$/,
  );
  assert.match(eventLine(event(42 as ContainerEventType, id, named)), / container 42 /);
});
