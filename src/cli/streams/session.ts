import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import WebSocket from "ws";
import { LichenError } from "../../errors.ts";
import { notExecuted } from "../report.ts";

/** Kubernetes' remotecommand over WebSocket, `v5.channel.k8s.io`: the first byte of a message names its channel. */
const protocol = "v5.channel.k8s.io";
const channels = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const;
/** So much input may wait to be sent before no more is read. */
const highWaterMark = 1 << 20;

/** Our side of a command's streams; what is left out was not asked for. */
export interface SessionStreams {
  stdin?: Readable;
  stdout: Writable;
  stderr?: Writable;
  /** Aborted: leaves the command alone and returns (exit code 0). */
  detach?: AbortSignal;
  /** Awaited when the session is open: attached to the command's streams. */
  opened?: () => Promise<unknown>;
  /** Calls back with the terminal's size, at once and whenever it changes. */
  onSize?: (listener: (columns: number, rows: number) => void) => void;
}

/** Runs a remotecommand session (exec, attach) at the URL that the daemon gave, and answers the command's exit code. */
export async function runSession(url: string, streams: SessionStreams): Promise<number> {
  const socket = new WebSocket(url, protocol, { perMessageDeflate: false, maxPayload: 16 << 20 });
  let status: string | undefined;
  const receive = (channel: number, payload: Buffer) => {
    if (channel === channels.status) status = payload.toString();
    else if (channel === channels.stdout) pass(socket, streams.stdout, payload);
    else if (channel === channels.stderr && streams.stderr) pass(socket, streams.stderr, payload);
  };
  // A short command's whole session may come with the answer to the handshake: it is emitted before anybody who awaits `open` goes on.
  socket.on("message", (message: Buffer) => {
    if (message.length > 0) receive(message[0] ?? 0, message.subarray(1));
  });
  const closed = Promise.withResolvers<void>();
  closed.promise.catch(() => {});
  socket.once("close", () => closed.resolve());
  socket.on("error", (error) => closed.reject(broken(error.message)));
  await opened(socket, url);
  streams.onSize?.((width, height) => {
    send(socket, channels.resize, Buffer.from(JSON.stringify({ Width: width, Height: height })));
  });
  if (streams.stdin) feed(streams.stdin, socket);
  const leave = () => socket.close(1000);
  // The first output may have come, and its reader have gone, before this line is reached.
  if (streams.detach?.aborted) leave();
  else streams.detach?.addEventListener("abort", leave);
  await streams.opened?.();
  await closed.promise;
  await Promise.all([written(streams.stdout), written(streams.stderr)]);
  if (streams.detach?.aborted) return 0;
  return exitCode(status);
}

/** Connects; a refused upgrade is told with what the server says. */
export async function opened(socket: WebSocket, url: string): Promise<void> {
  try {
    await once(socket, "open");
  } catch (error) {
    throw new LichenError({
      code: "UNAVAILABLE",
      operation: "connect",
      object: new URL(url).host,
      reason: (error as Error).message,
      hint: "streams are served where the daemon listens: run this on the same machine",
      cause: error,
    });
  }
}

function pass(socket: WebSocket, target: Writable, payload: Buffer): void {
  if (target.write(payload)) return;
  socket.pause();
  target.once("drain", () => socket.resume());
}

/** Waits until what was written so far has been taken; a stream that has failed takes nothing more. */
function written(stream: Writable | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (stream === undefined) resolve();
    else stream.write("", () => resolve());
  });
}

function send(socket: WebSocket, channel: number, payload: Uint8Array, sent?: () => void): void {
  if (socket.readyState === WebSocket.OPEN) {
    socket.send(Buffer.concat([Buffer.of(channel), payload]), () => sent?.());
  }
}

function feed(stdin: Readable, socket: WebSocket): void {
  stdin.on("data", (chunk: Buffer) => {
    send(socket, channels.stdin, chunk, () => {
      if (socket.bufferedAmount < highWaterMark) stdin.resume();
    });
    if (socket.bufferedAmount >= highWaterMark) stdin.pause();
  });
  stdin.once("end", () => send(socket, channels.close, Buffer.of(channels.stdin)));
}

/** The parts of a Kubernetes Status object that remotecommand uses. */
interface Status {
  status?: string;
  reason?: string;
  message?: string;
  details?: { causes?: { reason?: string; message?: string }[] };
}

/** Throws for a session that failed otherwise than by the command's own exit code. */
export function exitCode(status: string | undefined): number {
  if (status === undefined) throw broken("it ended without a status");
  const { status: outcome, reason, message, details } = JSON.parse(status) as Status;
  if (outcome === "Success") return 0;
  const [cause] = details?.causes ?? [];
  if (reason === "NonZeroExitCode" && cause?.reason === "ExitCode") return Number(cause.message);
  // What the error is within, every client of Kubernetes' is told; a person has typed it.
  const told = (message ?? reason ?? "the session failed").replace(
    /^Internal error occurred: error [^:]*: /,
    "",
  );
  const error = new LichenError({ code: "UNAVAILABLE", operation: "run", object: "", reason: told });
  throw notExecuted(error, shellStatuses[cause?.reason ?? ""] ?? 0);
}

/** By the daemon's code of why a command could not be executed. */
const shellStatuses: Record<string, number> = { NOT_FOUND: 127, PERMISSION_DENIED: 126 };

function broken(reason: string): LichenError {
  return new LichenError({
    code: "UNAVAILABLE",
    operation: "stream",
    object: "",
    reason: `the connection to the daemon broke: ${reason}`,
    hint: "the command may still run; see: lichen ps",
  });
}
