import { createServer, type Server, type Socket } from "node:net";
import WebSocket from "ws";
import type { CriClient } from "../../../proto/client.ts";
import { LichenError } from "../../errors.ts";
import { opened } from "./session.ts";

/**
 * The daemon's port forwarding over WebSocket: the first byte of a message names its channel. 0 is the port's data, 1 its error text; each
 * begins with the port's number. Message 255, n ends the sender's half of channel n.
 */
const protocol = "v1.portforward.lichen";
const dataChannel = 0;
const errorChannel = 1;
const endChannel = 255;
const highWaterMark = 1 << 20;

export interface Forwarding {
  local: number;
  remote: number;
}

/** Listens on a local port; every connection to it becomes one to a port of the pod. Resolves when it listens. */
export async function forwardPort(
  client: CriClient,
  podSandboxId: string,
  { local, remote }: Forwarding,
  address: string,
  failed: (reason: string) => void,
): Promise<Server> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (connection) => {
    connection.on("error", () => {});
    forwardConnection(client, podSandboxId, remote, connection, failed).catch((error: unknown) => {
      failed(error instanceof Error ? error.message : String(error));
      connection.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        new LichenError({
          code: error.code === "EADDRINUSE" ? "ALREADY_EXISTS" : "PERMISSION_DENIED",
          operation: "listen",
          object: `${address}:${local}`,
          reason: error.code ?? error.message,
          hint: "choose another local port, as in 8080:80; :80 takes any free one",
          cause: error,
        }),
      );
    });
    server.listen(local, address, resolve);
  });
  return server;
}

async function forwardConnection(
  client: CriClient,
  podSandboxId: string,
  port: number,
  connection: Socket,
  failed: (reason: string) => void,
): Promise<void> {
  const { url } = await client.portForward({ podSandboxId, port: [port] });
  const socket = new WebSocket(url, protocol, { perMessageDeflate: false });
  const begun = new Set<number>();
  socket.on("message", (message: Buffer) => {
    const channel = message[0] ?? dataChannel;
    if (channel === endChannel) {
      if (message[1] === dataChannel) connection.end();
      return;
    }
    // The first message of each channel is the port's number.
    if (!begun.has(channel)) return void begun.add(channel);
    const payload = message.subarray(1);
    if (channel === errorChannel) return failed(payload.toString());
    if (connection.write(payload)) return;
    socket.pause();
    connection.once("drain", () => socket.resume());
  });
  socket.on("close", () => connection.destroySoon());
  connection.on("close", () => socket.close());
  await opened(socket, url);
  socket.on("error", (error) => connection.destroy(error));
  connection.on("data", (chunk: Buffer) => {
    socket.send(Buffer.concat([Buffer.of(dataChannel), chunk]), () => {
      if (socket.bufferedAmount < highWaterMark) connection.resume();
    });
    if (socket.bufferedAmount >= highWaterMark) connection.pause();
  });
  connection.on("end", () => socket.send(Buffer.of(endChannel, dataChannel)));
  connection.resume();
}
