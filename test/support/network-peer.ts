import { createSocket } from "node:dgram";
import { realpathSync } from "node:fs";
import { createServer, type Server, connect as tcp } from "node:net";
import { networkInterfaces } from "node:os";
import { type Outgoing, type PortMapping, Protocol } from "#cri";
import type { LichenNode } from "./node.ts";
import { runContainer, type TestPod } from "./pods.ts";

/** Ports of the servers in a pod that serveAddresses() starts. */
export const podPorts = { tcp: 80, udp: 53 } as const;

/** This machine's own Node and Perl, with the libraries they need, for a container of the busybox image. */
export const toolMounts = [
  { hostPath: realpathSync(process.execPath), containerPath: "/node/node", readonly: true },
  { hostPath: import.meta.dirname, containerPath: "/node/scripts", readonly: true },
  ...["/lib", "/lib64"].map((path) => ({
    hostPath: realpathSync(path),
    containerPath: path,
    readonly: true,
  })),
  { hostPath: "/usr/bin/perl", containerPath: "/usr/bin/perl", readonly: true },
  { hostPath: "/usr/lib", containerPath: "/usr/lib", readonly: true },
];

/** Starts a container that tells its TCP and UDP clients their addresses and echoes what they send. Gives its id. */
export function serveAddresses(node: LichenNode, pod: TestPod, image: string): Promise<string> {
  const command = `exec /node/node /node/scripts/network-server.mjs ${podPorts.tcp} ${podPorts.udp}`;
  return runContainer(node, pod, image, "main", command, { mounts: toolMounts });
}

/** The command that sends a datagram from a container with toolMounts and prints the answer. */
export const udpCommand = (address: string, text: string): string =>
  `/node/node /node/scripts/network-client.mjs ${address} ${podPorts.udp} ${text}`;

/** What a client is told: the address that the server saw, and its own bytes. */
export interface Answer {
  address: string;
  text: string;
}

/** Connects, sends `text`, ends its side, and reads to the end. */
export function askTcp(
  host: string,
  port: number,
  text = "hello",
  options: { localAddress?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = tcp({ host, port, allowHalfOpen: true, ...options }, () => socket.end(text));
    let got = "";
    socket.setEncoding("utf8").on("data", (part: string) => {
      got += part;
    });
    socket.setTimeout(15_000, () => socket.destroy(new Error(`${host}:${port}: no answer in time`)));
    socket.once("error", reject).once("end", () => {
      const line = got.indexOf("\n");
      if (line < 0) reject(new Error(`${host}:${port} closed the connection`));
      else resolve({ address: got.slice(0, line).split(" ")[0] ?? "", text: got.slice(line + 1) });
    });
  });
}

/** Sends one datagram and waits for its answer; at most a second, as datagrams may be lost. */
export function askUdp(host: string, port: number, text = "hello", localAddress?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    const end = (settle: () => void) => {
      clearTimeout(timer);
      socket.close();
      settle();
    };
    const timer = setTimeout(() => end(() => reject(new Error(`${host}:${port}: no datagram back`))), 1000);
    socket.once("message", (bytes) => {
      const [address = "", ...words] = bytes.toString().split(" ");
      end(() => resolve({ address, text: words.join(" ") }));
    });
    socket.once("error", (error) => end(() => reject(error)));
    socket.bind(0, localAddress, () => socket.send(text, port, host));
  });
}

/** An address of this machine that is not loopback's nor link-local; undefined when it has none of the family. */
export function ownAddress(family: "IPv4" | "IPv6"): string | undefined {
  return Object.values(networkInterfaces())
    .flat()
    .find((entry) => entry?.family === family && !entry.internal && !entry.address.startsWith("fe80:"))
    ?.address;
}

/** A TCP port of the host that nobody has at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "0.0.0.0");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A mapping of a host port to the pod's server of that protocol. */
export function portMapping(
  hostPort: number,
  protocol: "tcp" | "udp" = "tcp",
  hostIp = "",
): Outgoing<PortMapping> {
  const known = { tcp: Protocol.TCP, udp: Protocol.UDP };
  return { protocol: known[protocol], containerPort: podPorts[protocol], hostPort, hostIp };
}

/** A TCP server of this machine, outside of the node: tells everybody "the host". */
export async function hostServer(address: string): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.end("the host\n");
  }).listen(0, address);
  await new Promise((resolve) => server.once("listening", resolve));
  return { server, port: (server.address() as { port: number }).port };
}
