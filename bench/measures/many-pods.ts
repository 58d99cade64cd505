import { Client, credentials } from "@grpc/grpc-js";
import { maxMessageBytes } from "../../proto/client.ts";
import { serviceDefinition } from "../../proto/contract.ts";
import { percentile, timed } from "../support/statistics.ts";
import type { Target } from "../support/target.ts";
import { endPod, type StartedPod, startPod } from "./pod-life.ts";

/** The calls that a kubelet makes again and again, whatever the number of pods. */
const polled = ["ListPodSandbox", "ListContainers", "ListContainerStats", "ListPodSandboxStats"] as const;

/** A kubelet asks once a second or less often; the machine may rest between calls. */
const restMs = 20;
/** After this rest everything that stats are made of is read anew. */
const longRestMs = 1500;

/**
 * Milliseconds that 99 of 100 calls of each kind stay below, with so many pods of one container on the node; and, of a tenth as many calls, what they
 * stay below when the last one was so long ago that everything is read anew (`_rested`).
 *
 * The time ends with the last byte of the answer. What a client makes of the bytes is its own: this one, in JavaScript, would collect its own garbage in
 * the measured time. Afterwards each answer is decoded and has to hold all pods.
 */
export async function pollManyPods(
  target: Target,
  pods: number,
  calls: number,
): Promise<Record<string, number>> {
  const started: StartedPod[] = [];
  while (started.length < pods) {
    // Several at once, as fast as they come; one client's connection is enough.
    const batch = Array.from({ length: Math.min(8, pods - started.length) }, () => startPod(target));
    started.push(...(await Promise.all(batch)));
  }
  const client = new Client(`unix:${target.socket}`, credentials.createInsecure(), {
    "grpc.max_receive_message_length": maxMessageBytes,
  });
  try {
    const results: Record<string, number> = {};
    for (const call of polled) results[nameOf(call)] = await poll(client, call, pods, calls, restMs);
    for (const call of polled.slice(2))
      results[`${nameOf(call)}_rested`] = await poll(client, call, pods, calls / 10, longRestMs);
    return results;
  } finally {
    client.close();
    while (started.length > 0) await Promise.all(started.splice(0, 8).map((pod) => endPod(target, pod)));
  }
}

const nameOf = (call: string) => call.charAt(0).toLowerCase() + call.slice(1);

async function poll(
  client: Client,
  call: string,
  pods: number,
  calls: number,
  rest: number,
): Promise<number> {
  const method = serviceDefinition("RuntimeService")[call]!;
  const times: number[] = [];
  for (let i = 0; i < calls; i++) {
    const [milliseconds, bytes] = await timed(() => answerOf(client, method.path));
    times.push(milliseconds);
    const [list] = Object.values(method.responseDeserialize(bytes)) as object[][];
    if (list?.length !== pods) throw new Error(`${call} tells of ${list?.length} of ${pods}`);
    await new Promise((resolve) => setTimeout(resolve, rest));
  }
  return percentile(times, 99);
}

/** The bytes of the answer to an empty request. */
function answerOf(client: Client, path: string): Promise<Buffer> {
  const asIs = (bytes: Buffer) => bytes;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, asIs, asIs, Buffer.alloc(0), (error, answer) =>
      error ? reject(error) : resolve(answer ?? Buffer.alloc(0)),
    );
  });
}
