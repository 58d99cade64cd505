import { type IncomingMessage, STATUS_CODES } from "node:http";
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
  /** The connection goes on as another socket, whose life counts from now on. */
  replaced(socket: Duplex): void;
}

/** Answers an upgrade that cannot be had, and closes. */
export function refuse(socket: Duplex, status: number, text: string, headers: readonly string[] = []): void {
  const body = `${text}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
    ...headers,
  ];
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`);
  // Otherwise what the client has sent stays unread, and so its end unseen.
  socket.resume();
}
