import type { Duplex } from "node:stream";
import { finished } from "node:stream/promises";
import { LichenError, within } from "../../errors.ts";
import { passed } from "../../native/buffers.ts";
import { halfOpenSocket } from "../../native/fd.ts";
import type { PodContext } from "../context.ts";
import type { ClientConnection } from "./types.ts";

/** PortForward, for one connection: see PodService. */
export async function portForward(
  context: PodContext,
  sandboxPrefix: string,
  { port, connection, closed }: ClientConnection,
): Promise<void> {
  const pod = readyPod(context, sandboxPrefix);
  try {
    const socket = halfOpenSocket(await context.monitors.get(pod.id).connect(port));
    socket.setNoDelay(true);
    const end = () => socket.destroy();
    // An open socket would keep the network of a pod that is gone.
    const unsubscribe = context.exits.subscribe(pod.id, end);
    closed.addEventListener("abort", end);
    try {
      if (closed.aborted) end();
      socket.on("data", (chunk: Buffer) => passed(chunk.length));
      await join(connection, socket);
    } finally {
      unsubscribe();
      closed.removeEventListener("abort", end);
      socket.destroy();
    }
  } catch (error) {
    throw within("forward port", `${port} of pod sandbox ${pod.id}`, error);
  }
}

/** The pod if it is ready; FAILED_PRECONDITION otherwise. */
export function readyPod(context: PodContext, sandboxPrefix: string) {
  const pod = context.pods.get(sandboxPrefix);
  if (pod.state === "ready") return pod;
  throw new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "forward port",
    object: pod.id,
    reason: "the pod sandbox is not ready",
  });
}

/** Passes bytes both ways until both ways have ended, or one side is gone, which ends the other. */
function join(one: Duplex, other: Duplex): Promise<void> {
  const way = (from: Duplex, to: Duplex) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    from.once("end", resolve);
    for (const side of [from, to]) side.once("close", resolve);
    from.pipe(to);
    return promise;
  };
  const gone = (side: Duplex, rest: Duplex) => {
    side.on("error", () => {});
    side.once("close", () => {
      if (!rest.writableFinished) rest.end();
    });
  };
  gone(one, other);
  gone(other, one);
  // What has been passed on may still wait to be written; a side that is gone is no failure.
  const written = (side: Duplex) => finished(side, { readable: false }).catch(() => {});
  return Promise.all([way(one, other), way(other, one)]).then(async () => {
    await Promise.all([written(one), written(other)]);
  });
}
