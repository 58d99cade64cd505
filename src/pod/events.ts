import { LichenError } from "../errors.ts";
import type { ContainerRecord } from "../store/containers.ts";
import type { PodRecord } from "../store/pods.ts";

export type LifeStep = "created" | "started" | "stopped" | "deleted";

/** A step in the life of a container, or of a pod sandbox (then `id` is the pod's). */
export interface LifeEvent {
  id: string;
  step: LifeStep;
  /** Nanoseconds since the epoch. */
  at: bigint;
  /** The pod and its containers as they were just after the step; a deleted pod as it was before. */
  pod: PodRecord | undefined;
  containers: readonly ContainerRecord[];
}

/** A subscriber that leaves more than this unread is given up: it has to list everything anyway. */
const mostUnread = 1000;

interface Subscriber {
  unread: LifeEvent[];
  tooSlow: boolean;
  wake: () => void;
}

/** Tells whoever listens about every step in the lives of pods and containers, each once and in order. */
export class LifeEvents {
  readonly #subscribers = new Set<Subscriber>();

  get listened(): boolean {
    return this.#subscribers.size > 0;
  }

  emit(event: LifeEvent): void {
    for (const subscriber of this.#subscribers) {
      if (subscriber.unread.length < mostUnread) subscriber.unread.push(event);
      else subscriber.tooSlow = true;
      subscriber.wake();
    }
  }

  /**
   * What happens from now on, until `signal` is aborted. RESOURCE_EXHAUSTED for who reads too slowly, after what was kept for it:
   * nobody else, and no container, ever waits.
   */
  async *subscribe(signal: AbortSignal): AsyncGenerator<LifeEvent, void> {
    const subscriber: Subscriber = { unread: [], tooSlow: false, wake: () => {} };
    this.#subscribers.add(subscriber);
    try {
      while (!signal.aborted) {
        const event = subscriber.unread.shift();
        if (event !== undefined) yield event;
        else if (subscriber.tooSlow) throw tooSlow();
        else await woken(subscriber, signal);
      }
    } finally {
      this.#subscribers.delete(subscriber);
    }
  }
}

/** Waits for the next event, or for the end. */
function woken(subscriber: Subscriber, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      signal.removeEventListener("abort", wake);
      subscriber.wake = () => {};
      resolve();
    };
    subscriber.wake = wake;
    signal.addEventListener("abort", wake, { once: true });
  });
}

function tooSlow(): LichenError {
  return new LichenError({
    code: "RESOURCE_EXHAUSTED",
    operation: "get container events",
    object: "",
    reason: `${mostUnread} events were waiting to be read`,
    hint: "list pods and containers, and subscribe again",
  });
}

type Step = readonly [step: LifeStep, at: bigint];

/** The steps that a change of a container's record is. An exit may be heard of together with its start, after the daemon was away. */
export function containerSteps(
  before: ContainerRecord,
  after: ContainerRecord | undefined,
  now: bigint,
): Step[] {
  if (after === undefined) return before.state === "creating" ? [] : [["deleted", now]];
  if (after.state === before.state) return [];
  if (after.state === "created") return [["created", after.createdAt]];
  if (after.state === "running") return [["started", after.startedAt]];
  const unseen = before.state === "created" && after.startedAt > 0n;
  const stopped: Step = ["stopped", after.finishedAt];
  return unseen ? [["started", after.startedAt], stopped] : [stopped];
}

/** The steps that a change of a pod's record is: a pod sandbox is created and started at once. */
export function podSteps(before: PodRecord, after: PodRecord | undefined, now: bigint): Step[] {
  if (after === undefined) return before.state === "creating" ? [] : [["deleted", now]];
  if (after.state === before.state) return [];
  if (after.state === "notready") return [["stopped", now]];
  return [
    ["created", after.createdAt],
    ["started", now],
  ];
}
