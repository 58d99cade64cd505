import type { IncomingMessage } from "node:http";

/** remotecommand over SPDY; v1 to v3 have a plain-text error stream, v3 and later a resize stream. */
export const commandProtocols = [
  "v5.channel.k8s.io",
  "v4.channel.k8s.io",
  "v3.channel.k8s.io",
  "v2.channel.k8s.io",
  "channel.k8s.io",
] as const;

export const portForwardProtocols = ["portforward.k8s.io"] as const;

/** What of a WebSocket message's bytes is what. */
export interface ChannelProtocol {
  /** The first byte is the channel's number; else its digit, and base64 follows. */
  binary: boolean;
  /** Message 255, n from the client closes channel n. */
  closes: boolean;
  /** The server tells the client the ends of its channels the same way. */
  tellsEnds?: boolean;
  /** The error channel carries a status object; else text. */
  statusObject: boolean;
}

/** remotecommand over WebSocket. The empty name is for clients that ask for none. */
export const commandChannels: ReadonlyMap<string, ChannelProtocol> = new Map([
  ["v5.channel.k8s.io", { binary: true, closes: true, statusObject: true }],
  ["v4.channel.k8s.io", { binary: true, closes: false, statusObject: true }],
  ["v4.base64.channel.k8s.io", { binary: false, closes: false, statusObject: true }],
  ["channel.k8s.io", { binary: true, closes: false, statusObject: false }],
  ["base64.channel.k8s.io", { binary: false, closes: false, statusObject: false }],
  ["", { binary: true, closes: false, statusObject: false }],
]);

/** Kubernetes' channels for port-forward cannot end one direction of a connection; these can. `lichen port-forward` speaks them. */
export const halfCloseProtocol = "v1.portforward.lichen";

export const portForwardChannels: ReadonlyMap<string, ChannelProtocol> = new Map([
  [halfCloseProtocol, { binary: true, closes: true, tellsEnds: true, statusObject: false }],
  ["v4.channel.k8s.io", { binary: true, closes: false, statusObject: false }],
  ["v4.base64.channel.k8s.io", { binary: false, closes: false, statusObject: false }],
  ["", { binary: true, closes: false, statusObject: false }],
]);

/** SPDY frames as the bytes of WebSocket messages, which is what kubectl and crictl use for port-forward. */
export const tunnelProtocol = "SPDY/3.1+portforward.k8s.io";

/** The names in a comma-separated header, which may come several times. */
export function listed(request: IncomingMessage, header: string): string[] {
  return (request.headersDistinct[header] ?? [])
    .flatMap((value) => value.split(","))
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

/** The client's first choice among what is supported: the client's order counts, as in Kubernetes. */
export function choose<T extends string>(wanted: readonly string[], supported: readonly T[]): T | undefined {
  return wanted.map((name) => supported.find((known) => known === name)).find((name) => name !== undefined);
}

export function asksFor(request: IncomingMessage, protocol: string): boolean {
  return listed(request, "upgrade").some((name) => name.toLowerCase() === protocol.toLowerCase());
}
