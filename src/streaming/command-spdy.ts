import type { Duplex } from "node:stream";
import { type CommandChannels, type CommandRequest, runCommand } from "./command.ts";
import { SpdyConnection } from "./spdy/connection.ts";
import { resetStatus } from "./spdy/frames.ts";
import type { SpdyStream } from "./spdy/stream.ts";
import type { ServeContext } from "./upgrade.ts";

/** Bytes that wait in front of a command's stdin before the client's connection is no longer read from. */
const highWaterMark = 256 * 1024;

/** The upgraded connection; see SpdyConnection. */
export interface CommandTransport {
  transport: Duplex;
  head: Buffer;
  onChunk: ((listener: (chunk: Buffer) => void) => void) | undefined;
}

type StreamType = "error" | "stdin" | "stdout" | "stderr" | "resize";

/**
 * remotecommand over SPDY: the client opens a stream for each of error, stdin, stdout, stderr and (terminals, v3 and later) resize, named by
 * the header `streamtype`. The command starts when all are there.
 */
export function serveCommandOverSpdy(
  entry: CommandRequest,
  protocol: string,
  { transport, head, onChunk }: CommandTransport,
  { handlers, limits }: ServeContext,
): void {
  const { request } = entry;
  const version = Number(/^v(\d)\./.exec(protocol)?.[1] ?? 1);
  const awaited = new Set<StreamType>(["error"]);
  for (const name of ["stdin", "stdout", "stderr"] as const) if (request[name]) awaited.add(name);
  if (request.tty && version >= 3) awaited.add("resize");

  const streams: Partial<Record<StreamType, SpdyStream>> = {};
  const gone = new AbortController();
  // The first frames may come with the request, and so be heard before this function has ended.
  const patience = setTimeout(() => connection.close(), limits.streamCreation);
  const connection = new SpdyConnection(transport, head, {
    ...(onChunk === undefined ? {} : { onChunk }),
    maximumStreams: Math.min(limits.streams, 16),
    highWaterMark,
    idle: limits.idle,
    onStream: (stream) => {
      const type = stream.headers.get("streamtype") as StreamType;
      if (!awaited.delete(type)) {
        stream.reset(resetStatus.refusedStream);
        return;
      }
      streams[type] = stream;
      // What a client sends on a stream that is for our output goes nowhere.
      if (type !== "stdin" && type !== "resize") stream.resume();
      if (awaited.size === 0) start();
    },
    onClose: () => {
      clearTimeout(patience);
      gone.abort("the client is gone");
    },
  });

  function start(): void {
    clearTimeout(patience);
    const { error, ...others } = streams;
    if (error === undefined) return;
    const channels: CommandChannels = { error, ...others, statusObject: version >= 4 };
    void runCommand(entry, channels, gone.signal, handlers).then(() => {
      others.stdin?.end();
      others.resize?.end();
      connection.close();
    });
  }
}
