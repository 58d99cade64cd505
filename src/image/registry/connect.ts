import { request } from "node:http";
import type { Socket } from "node:net";
import { checkServerIdentity, connect as connectTls, type SecureContext, type TLSSocket } from "node:tls";
import type { buildConnector } from "undici";
import { LichenError } from "../../errors.ts";
import { type Dial, openSocket, within } from "./dial.ts";
import type { HttpProxy } from "./proxy.ts";
import { readMemory } from "./read-memory.ts";
import { defaultTls, secureContext, type TlsSettings } from "./tls.ts";

export interface ConnectOptions {
  tls: TlsSettings;
  /** Without it, connections are made in the process's own network. */
  dial: Dial | undefined;
  /** For the connection and for each further step (TLS, the proxy's answer) on its own. */
  timeoutMs: number;
  /** The proxy to tunnel through to an https host. */
  tunnel: (host: string, port: number) => HttpProxy | undefined;
}

/** Connections for undici: TCP, through a proxy's tunnel where there is one (RFC 9110 §9.3.6), then TLS. */
export function connector(options: ConnectOptions): buildConnector.connector {
  const context = lazy(() => secureContext(options.tls));
  return ({ protocol, hostname, port: wanted }, callback) => {
    const secure = protocol === "https:";
    const host = hostname.replace(/^\[|\]$/g, "");
    const port = Number(wanted) || (secure ? 443 : 80);
    const made = secure
      ? connectSecurely(host, port, options, context)
      : openSocket(options.dial, host, port, options.timeoutMs, readMemory);
    made.then(
      (socket) => callback(null, socket),
      (error: Error) => callback(error, null),
    );
  };
}

async function connectSecurely(
  host: string,
  port: number,
  options: ConnectOptions,
  context: () => SecureContext,
): Promise<Socket> {
  const { dial, timeoutMs, tls } = options;
  const proxy = options.tunnel(host, port);
  const socket =
    proxy === undefined
      ? await openSocket(dial, host, port, timeoutMs)
      : await throughProxy(proxy, host, port, dial, timeoutMs);
  return startTls(socket, host, port, { context: context(), skipVerify: tls.skipVerify, timeoutMs });
}

/** A connection to a proxy itself. It is trusted as any other server on the net, not as the registry behind it. */
export async function connectToProxy(
  proxy: HttpProxy,
  dial: Dial | undefined,
  timeoutMs: number,
): Promise<Socket> {
  const { host, port, secure } = proxy;
  const socket = await openSocket(dial, host, port, timeoutMs);
  if (!secure) return socket;
  return startTls(socket, host, port, { context: secureContext(defaultTls), skipVerify: false, timeoutMs });
}

async function throughProxy(
  proxy: HttpProxy,
  host: string,
  port: number,
  dial: Dial | undefined,
  timeoutMs: number,
): Promise<Socket> {
  const socket = await connectToProxy(proxy, dial, timeoutMs);
  const target = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const authorization =
    proxy.authorization === undefined ? {} : { "proxy-authorization": proxy.authorization };
  const answer = new Promise<Socket>((resolve, reject) => {
    const asked = request({
      method: "CONNECT",
      path: target,
      headers: { host: target, ...authorization },
      createConnection: () => socket,
    });
    asked.once("connect", ({ statusCode = 0, statusMessage = "" }, tunnel: Socket, first: Buffer) => {
      if (first.length > 0) tunnel.unshift(first);
      if (statusCode >= 200 && statusCode < 300) return resolve(tunnel);
      tunnel.destroy();
      reject(refusedByProxy(proxy, target, statusCode, statusMessage));
    });
    asked.once("error", (error) => reject(proxyFailure(proxy, target, error.message, error)));
    asked.end();
  });
  return within(
    timeoutMs,
    answer,
    () => {},
    () => {
      socket.destroy();
      return proxyFailure(proxy, target, `no answer within ${timeoutMs / 1000} s`);
    },
  );
}

interface Securing {
  context: SecureContext;
  skipVerify: boolean;
  timeoutMs: number;
}

async function startTls(socket: Socket, host: string, port: number, how: Securing): Promise<TLSSocket> {
  const secured = connectTls({
    socket,
    secureContext: how.context,
    rejectUnauthorized: !how.skipVerify,
    // Names only: an address is no server name (RFC 6066 §3), and is compared with the certificate all the same.
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
    checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
    ALPNProtocols: ["http/1.1"],
  });
  const done = new Promise<TLSSocket>((resolve, reject) => {
    secured.once("error", reject);
    secured.once("secureConnect", () => {
      secured.off("error", reject);
      resolve(secured);
    });
    // A peer that goes away in the middle of the handshake ends the socket without an error.
    secured.once("close", () => reject(new Error("the connection was closed during the handshake")));
  });
  try {
    return await within(
      how.timeoutMs,
      done,
      () => {},
      () => new Error(`no answer within ${how.timeoutMs / 1000} s`),
    );
  } catch (error) {
    socket.destroy();
    secured.destroy();
    throw insecure(host, port, error);
  }
}

function insecure(host: string, port: number, error: unknown): LichenError {
  const reason = error instanceof Error ? error.message : String(error);
  return new LichenError({
    code: "UNAVAILABLE",
    operation: "secure connection to",
    object: `${host}:${port}`,
    reason,
    hint: hintFor(error, reason),
    cause: error,
  });
}

function hintFor(error: unknown, reason: string): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (/WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG|UNKNOWN_PROTOCOL/.test(code))
    return "it seems to speak plain HTTP: list it in plain_http in config.toml, or give its http:// address in hosts.toml";
  if (/alert|handshake/.test(reason) && /certificate|bad cert|handshake/.test(reason))
    return "the server may want a client certificate: give it as `client` in certs.d/HOST/hosts.toml";
  return "name the authority that signed its certificate as `ca` in certs.d/HOST/hosts.toml, or add it to the system's";
}

function refusedByProxy(proxy: HttpProxy, target: string, status: number, words: string): LichenError {
  return proxyFailure(proxy, target, `it answered ${status} ${words}`.trim(), undefined, status === 407);
}

function proxyFailure(
  proxy: HttpProxy,
  target: string,
  reason: string,
  cause?: unknown,
  wantsCredentials = false,
): LichenError {
  return new LichenError({
    code: "UNAVAILABLE",
    operation: "connect through proxy",
    object: `${proxy.origin} to ${target}`,
    reason,
    hint: wantsCredentials
      ? "give name and password in HTTPS_PROXY: http://user:password@host:port"
      : "check HTTPS_PROXY and NO_PROXY in the daemon's environment",
    cause,
  });
}

function lazy<T>(make: () => T): () => T {
  let value: T | undefined;
  return () => {
    value ??= make();
    return value;
  };
}
