import type { Container, PodSandbox } from "#cri";
import type { CriClient } from "../../proto/client.ts";
import { LichenError } from "../errors.ts";
import { shortId } from "./format.ts";

/** Marks the pods that `lichen run` has made: pod and container are then one thing to people. */
export const runLabel = "io.lichen.run";

export type Target = { pod: PodSandbox; container?: Container };

/** The containers or pods that a person may mean by `typed`: an exact name, or the beginning of an id. */
function matches<T extends { id: string; metadata: { name: string } | null }>(
  items: T[],
  typed: string,
): T[] {
  return items.filter((item) => item.metadata?.name === typed || item.id.startsWith(typed));
}

function only<T extends { id: string }>(found: T[], typed: string): T | undefined {
  if (found.length < 2) return found[0];
  throw new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "find",
    object: typed,
    reason: `${found.length} things match: ${found.map((item) => shortId(item.id)).join(", ")}`,
    hint: "give one of these ids",
  });
}

/** The container called `typed` with its pod, else the pod called that. Throws NOT_FOUND when there is neither. */
export async function findTarget(client: CriClient, typed: string): Promise<Target> {
  const [{ containers }, { items: pods }] = await Promise.all([
    client.listContainers({}),
    client.listPodSandbox({}),
  ]);
  const container = only(matches(containers, typed), typed);
  const pod = container
    ? pods.find((candidate) => candidate.id === container.podSandboxId)
    : only(matches(pods, typed), typed);
  if (pod) return container ? { pod, container } : { pod };
  throw new LichenError({
    code: "NOT_FOUND",
    operation: "find",
    object: typed,
    reason: "no container or pod has this name or id",
    hint: "list them with: lichen ps --all; lichen pods",
  });
}

/** As findTarget, but a container must be meant; a pod with one container stands for it. */
export async function findContainer(client: CriClient, typed: string): Promise<Container> {
  const target = await findTarget(client, typed);
  if (target.container) return target.container;
  const { containers } = await client.listContainers({ filter: { podSandboxId: target.pod.id } });
  const container = only(containers, typed);
  if (container) return container;
  throw new LichenError({
    code: "NOT_FOUND",
    operation: "find container",
    object: typed,
    reason: "this pod has no container",
    hint: "list containers with: lichen ps --all",
  });
}

/** Whether acting on this target means its whole pod: a pod was named, or `lichen run` made the pod for this one container. */
export function meansPod(target: Target): boolean {
  return target.container === undefined || target.pod.labels[runLabel] === "true";
}
