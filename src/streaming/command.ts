import type { Readable, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { ResizeFeed } from "./resize.ts";
import { dropRestOfInput } from "./rest-of-input.ts";
import { exitStatus, failureStatus, type StreamStatus } from "./status.ts";
import type { CommandStreams, InputStream, StreamHandlers } from "./types.ts";
import type { StreamRequest } from "./upgrade.ts";

/** The client's streams of a remotecommand session, whatever carries them. */
export interface CommandChannels {
  stdin?: InputStream;
  stdout?: Writable;
  stderr?: Writable;
  resize?: Readable;
  error: Writable;
  /** The error stream takes a status object (v4 and later); else text, and only of a failure. */
  statusObject: boolean;
}

export type CommandRequest = Exclude<StreamRequest, { kind: "portforward" }>;

/**
 * Runs exec or attach on a client's streams. Resolves when everything has been handed to the connection, the status last: then it may be
 * closed. Never rejects.
 */
export async function runCommand(
  entry: CommandRequest,
  channels: CommandChannels,
  closed: AbortSignal,
  handlers: StreamHandlers,
): Promise<void> {
  const { stdin, stdout, stderr, error } = channels;
  const sizes = new ResizeFeed(channels.resize);
  const status = await execute(entry, handlers, {
    ...(stdin === undefined ? {} : { stdin }),
    ...(stdout === undefined ? {} : { stdout }),
    ...(stderr === undefined ? {} : { stderr }),
    onResize: (listener) => sizes.onResize(listener),
    closed,
  });
  await Promise.all([stdout, stderr].map(finish));
  // A terminal's input is typed, and nobody is in the middle of it.
  if (stdin !== undefined && !entry.request.tty) await dropRestOfInput(stdin);
  error.write(formatStatus(status, channels.statusObject));
  await finish(error);
}

async function execute(
  entry: CommandRequest,
  handlers: StreamHandlers,
  streams: CommandStreams,
): Promise<StreamStatus> {
  try {
    if (entry.kind === "exec") return exitStatus(await handlers.exec(entry.request, streams));
    await handlers.attach(entry.request, streams);
    return exitStatus(0);
  } catch (error) {
    return failureStatus(
      entry.kind === "exec" ? "executing command in container" : "attaching to container",
      error,
    );
  }
}

function formatStatus(status: StreamStatus, statusObject: boolean): string {
  if (statusObject) return JSON.stringify(status);
  return status.status === "Success" ? "" : (status.message ?? "");
}

/** Ends a stream and waits until it has taken everything, or is destroyed. */
async function finish(stream: Writable | undefined): Promise<void> {
  if (stream === undefined) return;
  if (!stream.writableEnded) stream.end();
  await finished(stream, { readable: false }).catch(() => {});
}
