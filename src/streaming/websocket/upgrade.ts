import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";

export interface UpgradeOptions {
  /** The subprotocol to answer with; "" answers with none. */
  protocol: string;
  /** Bytes of one message; a longer one closes the connection with 1009. */
  maximumMessage: number;
}

/**
 * Completes a WebSocket handshake. Calls back at once, or not at all when the request is none: then the client has had its answer.
 *
 * The subprotocol is chosen before and hidden from `ws`, which takes the slash in `SPDY/3.1+portforward.k8s.io` for a syntax error (RFC 6455
 * does not allow it either; Kubernetes uses it).
 */
export function upgradeToWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  { protocol, maximumMessage }: UpgradeOptions,
  use: (socket: WebSocket) => void,
): void {
  delete request.headers["sec-websocket-protocol"];
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maximumMessage,
    skipUTF8Validation: true,
  });
  server.on("headers", (headers) => {
    if (protocol !== "") headers.push(`Sec-WebSocket-Protocol: ${protocol}`);
  });
  server.handleUpgrade(request, socket, head, (upgraded) => {
    // What is wrong with a frame, ws tells the peer by the close code; `close` follows.
    upgraded.on("error", () => {});
    use(upgraded);
  });
}

/** Whether messages may still be sent. */
export function isOpen(socket: WebSocket): boolean {
  return socket.readyState === WebSocket.OPEN;
}
