import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type {
  AttachRequest,
  ExecRequest,
  PortForwardRequest,
  StreamHandlers,
  StreamLimits,
} from "./types.ts";

/** What a token stands for. */
export type StreamRequest =
  | { kind: "exec"; request: ExecRequest }
  | { kind: "attach"; request: AttachRequest }
  | { kind: "portforward"; request: PortForwardRequest };

/** An HTTP request that asks for an upgrade, and the first bytes behind it. */
export interface Upgrade {
  request: IncomingMessage;
  socket: Duplex;
  head: Buffer;
}

export interface ServeContext {
  handlers: StreamHandlers;
  limits: StreamLimits;
}

/** Negotiates protocols, then runs the session. */
export function serve(_entry: StreamRequest, { socket }: Upgrade, _context: ServeContext): void {
  socket.end("HTTP/1.1 501 Not Implemented\r\nConnection: close\r\n\r\n");
}
