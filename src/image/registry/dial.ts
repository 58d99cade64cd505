import type { Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import type { buildConnector } from "undici";
import { connectedSocket, type Fd } from "../../native/fd.ts";

/** Makes a TCP connection and gives its descriptor away; rejects with a LichenError. */
export type Dial = (host: string, port: number) => Promise<Fd>;

/**
 * A connector for undici over connections that `dial` makes: the daemon lives in a network of its own, while registries
 * on the user's loopback, in VPNs and behind the user's resolver are reachable from the host's.
 */
export function connectorThrough(dial: Dial, tls: ConnectionOptions): buildConnector.connector {
  return (options, callback) => {
    const secure = options.protocol === "https:";
    const host = options.hostname.replace(/^\[|\]$/g, "");
    dial(host, Number(options.port) || (secure ? 443 : 80)).then(
      (fd) => {
        const socket = connectedSocket(fd);
        socket.setNoDelay(true);
        if (secure) startTls(socket, options.servername ?? host, tls, callback);
        else callback(null, socket);
      },
      (error: Error) => callback(error, null),
    );
  };
}

function startTls(
  socket: Socket,
  servername: string,
  tls: ConnectionOptions,
  callback: buildConnector.Callback,
) {
  const secured = connectTls({ ...tls, socket, servername, ALPNProtocols: ["http/1.1"] });
  const fail = (error: Error) => {
    socket.destroy();
    callback(error, null);
  };
  secured.once("error", fail);
  secured.once("secureConnect", () => {
    secured.off("error", fail);
    callback(null, secured);
  });
}
