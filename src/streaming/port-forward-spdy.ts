import type { Duplex } from "node:stream";
import { forward } from "./port-forward.ts";
import { SpdyConnection } from "./spdy/connection.ts";
import { resetStatus } from "./spdy/frames.ts";
import type { SpdyStream } from "./spdy/stream.ts";
import type { PortForwardRequest } from "./types.ts";
import type { ServeContext } from "./upgrade.ts";

/** Bytes that a pod's connection leaves unread before the whole session waits for it: with its slack just under 1 MiB a stream. */
const highWaterMark = 960 * 1024;

interface Pair {
  port: number;
  data?: SpdyStream;
  error?: SpdyStream;
  patience: NodeJS.Timeout;
}

/**
 * port-forward over SPDY: for every connection the client opens two streams, `streamtype` error and data, with the same `port` and
 * `requestid`. Clients of old send no id: their data stream follows the error stream, two higher.
 */
export function servePortForwardOverSpdy(
  { podSandboxId }: PortForwardRequest,
  transport: Duplex,
  head: Buffer,
  { handlers, limits }: ServeContext,
): void {
  const pairs = new Map<string, Pair>();
  const gone = new AbortController();

  const giveUp = (id: string) => {
    const pair = pairs.get(id);
    pairs.delete(id);
    pair?.error?.end(`request ${id}: timed out waiting for streams`);
    pair?.data?.reset(resetStatus.cancel);
  };

  const open = async (id: string, port: number, data: SpdyStream, error: SpdyStream) => {
    clearTimeout(pairs.get(id)?.patience);
    pairs.delete(id);
    // The client says nothing on it.
    error.resume();
    if (await forward({ podSandboxId, port, data, error }, gone.signal, handlers)) {
      // Everything has been sent; what the client still has to say, nobody hears.
      data.resume();
    } else {
      data.reset(resetStatus.internalError);
    }
  };

  new SpdyConnection(transport, head, {
    maximumStreams: limits.streams,
    highWaterMark,
    idle: limits.idle,
    onStream: (stream) => {
      const type = stream.headers.get("streamtype");
      const port = parsePort(stream.headers.get("port"));
      if (port === undefined || (type !== "data" && type !== "error")) {
        stream.reset(resetStatus.refusedStream);
        return;
      }
      const id = stream.headers.get("requestid") ?? String(type === "error" ? stream.id : stream.id - 2);
      let pair = pairs.get(id);
      if (pair === undefined) {
        pair = { port, patience: setTimeout(() => giveUp(id), limits.streamCreation) };
        pairs.set(id, pair);
      }
      if (pair[type] !== undefined || pair.port !== port) {
        stream.reset(resetStatus.refusedStream);
        return;
      }
      pair[type] = stream;
      if (pair.data !== undefined && pair.error !== undefined) void open(id, port, pair.data, pair.error);
    },
    onClose: () => {
      for (const { patience } of pairs.values()) clearTimeout(patience);
      pairs.clear();
      gone.abort("the client is gone");
    },
  });
}

function parsePort(text: string | undefined): number | undefined {
  const port = /^\d{1,5}$/.test(text ?? "") ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}
