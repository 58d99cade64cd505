import type { Duplex, Readable, Writable } from "node:stream";

/** Columns and rows of a client's terminal. */
export interface TerminalSize {
  width: number;
  height: number;
}

/**
 * One client's side of a command, as the streaming server gives it; only the streams that the client asked for are there. None of
 * them emits `error`: when the client is gone they are destroyed and `closed` is aborted.
 */
export interface ClientStreams {
  /** Ends when the client has closed its input. `into`, where there is one, is the shortest way to a stream that it then ends. */
  stdin?: Readable & { into?(target: Writable): void };
  stdout?: Writable;
  stderr?: Writable;
  /** Calls back with each new size; at once with the latest one when sizes came before. */
  onResize(listener: (size: TerminalSize) => void): void;
  closed: AbortSignal;
}

/** One client's connection to a port of a pod. */
export interface ClientConnection {
  /** 1 to 65535. */
  port: number;
  /** Each direction ends on its own; never emits `error`. */
  connection: Duplex;
  closed: AbortSignal;
}
