import { createWebSocketStream } from "ws";
import { choose, listed, portForwardChannels, tunnelProtocol } from "./negotiation.ts";
import { forward } from "./port-forward.ts";
import { servePortForwardOverSpdy } from "./port-forward-spdy.ts";
import type { PortForwardRequest } from "./types.ts";
import { refuse, type ServeContext, type Upgrade } from "./upgrade.ts";
import { ChannelConnection } from "./websocket/connection.ts";
import { upgradeToWebSocket } from "./websocket/upgrade.ts";

/** Bytes that a pod's connection leaves unread before the whole session waits for it. */
const highWaterMark = 960 * 1024;

/**
 * port-forward over WebSocket: SPDY frames tunnelled in messages (kubectl, crictl), or two channels for each of the request's ports, data and
 * error, each beginning with the port in two bytes, little-endian.
 */
export function servePortForwardOverWebSocket(
  entry: PortForwardRequest,
  { request, socket, head }: Upgrade,
  context: ServeContext,
): void {
  const wanted = listed(request, "sec-websocket-protocol");
  const supported = [tunnelProtocol, ...portForwardChannels.keys()];
  const protocol = wanted.length === 0 ? "" : choose(wanted, supported);
  if (protocol === undefined) {
    refuse(socket, 403, `the client supports ${wanted.join(", ")}, the server ${supported.join(", ")}`);
    return;
  }
  const form = portForwardChannels.get(protocol);
  if (form !== undefined && entry.ports.length === 0) {
    refuse(socket, 400, "port-forward over WebSocket channels needs ports in the request");
    return;
  }
  const { handlers, limits } = context;
  upgradeToWebSocket(request, socket, head, { protocol, maximumMessage: limits.message }, (upgraded) => {
    if (form === undefined) {
      servePortForwardOverSpdy(entry, createWebSocketStream(upgraded), Buffer.alloc(0), context);
      return;
    }
    const gone = new AbortController();
    const connection = new ChannelConnection(upgraded, socket, {
      channels: entry.ports.length * 2,
      binary: form.binary,
      closes: form.closes,
      tellsEnds: form.tellsEnds ?? false,
      highWaterMark,
      idle: limits.idle,
      onClose: () => gone.abort("the client is gone"),
    });
    const forwarded = entry.ports.map(async (port, index) => {
      const data = connection.channel(index * 2);
      const error = connection.channel(index * 2 + 1);
      const name = Buffer.alloc(2);
      name.writeUInt16LE(port);
      data.write(name);
      error.write(name);
      error.resume();
      // Without a message for it the client cannot be told that the pod sends no more, but by the end of all.
      if (!form.tellsEnds) data.once("finish", () => data.remoteEnd());
      await forward({ podSandboxId: entry.podSandboxId, port, data, error }, gone.signal, handlers);
      data.resume();
    });
    void Promise.all(forwarded).then(() => connection.close());
  });
}
