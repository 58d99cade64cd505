import { STATUS_CODES } from "node:http";
import { retakeSocket } from "../native/fd.ts";
import { serveCommandOverSpdy } from "./command-spdy.ts";
import { serveCommandOverWebSocket } from "./command-websocket.ts";
import { asksFor, choose, commandProtocols, listed, portForwardProtocols } from "./negotiation.ts";
import { servePortForwardOverSpdy } from "./port-forward-spdy.ts";
import { servePortForwardOverWebSocket } from "./port-forward-websocket.ts";
import { refuse, type ServeContext, type StreamRequest, type Upgrade } from "./upgrade.ts";

/** Negotiates protocols (k8s.io/streaming/pkg/httpstream: Handshake), then runs the session. */
export function serve(entry: StreamRequest, upgrade: Upgrade, context: ServeContext): void {
  if (asksFor(upgrade.request, "websocket")) {
    if (entry.kind === "portforward") servePortForwardOverWebSocket(entry.request, upgrade, context);
    else serveCommandOverWebSocket(entry, upgrade, context);
  } else if (asksFor(upgrade.request, "SPDY/3.1")) {
    serveOverSpdy(entry, upgrade, context);
  } else {
    refuse(upgrade.socket, 400, "unable to upgrade: SPDY/3.1 and websocket are known");
  }
}

function serveOverSpdy(entry: StreamRequest, upgrade: Upgrade, context: ServeContext): void {
  const { request, socket, head } = upgrade;
  const wanted = listed(request, "x-stream-protocol-version");
  if (wanted.length === 0) {
    refuse(socket, 400, "unable to upgrade: header X-Stream-Protocol-Version is missing or empty");
    return;
  }
  const supported = entry.kind === "portforward" ? portForwardProtocols : commandProtocols;
  const protocol = choose(wanted, supported);
  if (protocol === undefined) {
    const text = `unable to upgrade: the client supports ${wanted.join(", ")}, the server ${supported.join(", ")}`;
    refuse(
      socket,
      403,
      text,
      supported.map((name) => `X-Accepted-Stream-Protocol-Versions: ${name}`),
    );
    return;
  }
  // Port-forward has many streams, of which a slow one must not hold up the others: it cannot do with one buffer.
  const retaken = entry.kind === "portforward" ? undefined : retakeSocket(socket);
  const transport = retaken?.socket ?? socket;
  if (retaken) context.replaced(retaken.socket);
  transport.write(
    `HTTP/1.1 101 ${STATUS_CODES[101]}\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  );
  if (entry.kind === "portforward") servePortForwardOverSpdy(entry.request, socket, head, context);
  else serveCommandOverSpdy(entry, protocol, { transport, head, onChunk: retaken?.onChunk }, context);
}
