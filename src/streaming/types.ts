import type { Duplex, Readable, Writable } from "node:stream";

/** What a remotecommand session (exec, attach) asks for. With `tty` there is never a `stderr`: a terminal has one output. */
export interface CommandOptions {
  containerId: string;
  tty: boolean;
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
}

export interface ExecRequest extends CommandOptions {
  command: string[];
}

export type AttachRequest = CommandOptions;

export interface PortForwardRequest {
  podSandboxId: string;
  /** The ports that WebSocket channels are for; SPDY streams name theirs themselves. */
  ports: number[];
}

/** Columns and rows of a client's terminal. */
export interface TerminalSize {
  width: number;
  height: number;
}

export interface InputStream extends Readable {
  /** Everything that the client has sent so far, read or not. */
  readonly bytesReceived: number;
  into?(target: Writable): void;
}

/**
 * One client's side of a command. Only what the request asked for is there.
 *
 * All of them have back-pressure to the client's own socket: `stdin` stops reading from it when up to 256 KiB wait to be read, and
 * `stdout` and `stderr` stop taking more (`write` answers false, then `drain`) when the client does not read. None ever emits
 * `error`: when the client is gone they are destroyed (`close` without `end`) and `closed` is aborted.
 */
export interface CommandStreams {
  /** Ends when the client has closed its input. `into`, where there is one, is the shortest way to a stream that it then ends. */
  stdin?: InputStream;
  /** `end()` tells the client that there is no more; what the handler leaves open is ended after it has settled. */
  stdout?: Writable;
  stderr?: Writable;
  /** Calls back with each new size, in order; at once with the latest one when sizes came before. */
  onResize(listener: (size: TerminalSize) => void): void;
  /** Aborted when the client has gone, also in the middle of anything, or has been idle too long, or the server closes. */
  closed: AbortSignal;
}

/** One connection to a port of a pod. */
export interface ForwardedPort {
  podSandboxId: string;
  /** 1 to 65535. */
  port: number;
  /** Bytes to and from the client, each direction ended on its own; never emits `error`, see CommandStreams. */
  connection: Duplex;
  closed: AbortSignal;
}

/**
 * What stands behind the streaming server. A handler that rejects gives the client a failure with the error's message; it need not
 * end the streams that it was given, and must let go of them before it settles.
 */
export interface StreamHandlers {
  /** Runs the command; resolves with its exit code (128 + signal for a death by signal) after all output has been written. */
  exec(request: ExecRequest, streams: CommandStreams): Promise<number>;
  /** Resolves when the container has ended or the client is done. */
  attach(request: AttachRequest, streams: CommandStreams): Promise<void>;
  /** Called for each connection; resolves when both directions have ended. The error of a rejection reaches the client as text. */
  portForward(forwarded: ForwardedPort): Promise<void>;
}

export interface StreamLimits {
  /** Requests that have a URL and no connection yet. */
  tokens: number;
  /** Milliseconds that a URL may be used in. */
  tokenLifetime: number;
  /** Milliseconds for a client to open all streams of a session, as the kubelet's (30 s). */
  streamCreation: number;
  /** Milliseconds without a byte in either direction after which a connection is closed; 0: never. */
  idle: number;
  /** TCP connections at once. */
  connections: number;
  /** SPDY streams open at once in a connection. */
  streams: number;
  /** Bytes of one WebSocket message. */
  message: number;
}

export const defaultLimits: StreamLimits = {
  tokens: 1_000,
  tokenLifetime: 60_000,
  streamCreation: 30_000,
  idle: 4 * 60 * 60 * 1_000,
  connections: 2_048,
  streams: 2_048,
  message: 1 << 20,
};
