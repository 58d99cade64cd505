import type { Duplex, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { explain } from "../errors.ts";
import type { StreamHandlers } from "./types.ts";

/** A connection to a port, and the stream that says why there is none. */
export interface PortPair {
  podSandboxId: string;
  port: number;
  data: Duplex;
  error: Writable;
}

/** Runs one forwarded connection to its end. False when it failed, which the client has been told. Never rejects. */
export async function forward(
  pair: PortPair,
  closed: AbortSignal,
  handlers: StreamHandlers,
): Promise<boolean> {
  const { podSandboxId, port, data, error } = pair;
  let succeeded = true;
  try {
    await handlers.portForward({ podSandboxId, port, connection: data, closed });
  } catch (failure) {
    succeeded = false;
    error.write(`error forwarding port ${port} to pod ${podSandboxId}: ${explain(failure)}`);
  }
  for (const stream of [data, error]) if (!stream.writableEnded) stream.end();
  await Promise.all([data, error].map((stream) => finished(stream, { readable: false }).catch(() => {})));
  return succeeded;
}
