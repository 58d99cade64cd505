import { setTimeout as sleep } from "node:timers/promises";
import { Agent, type Dispatcher } from "undici";
import { LichenError } from "../../errors.ts";
import { nativeCode } from "../../native/failure.ts";
import { connector, connectToProxy } from "./connect.ts";
import type { Dial } from "./dial.ts";
import type { Endpoint } from "./hosts.ts";
import { type HttpProxy, type ProxySettings, proxyFor } from "./proxy.ts";
import type { TlsSettings } from "./tls.ts";

const maximumRedirects = 5;
const attempts = 4;
/** A server that stays silent is given fewer chances: each costs the whole of `stallMs`. */
const silentAttempts = 2;
/** A server that wants to be left alone for longer gets its wish: the caller hears of it instead of waiting. */
const longestDelayMs = 60_000;
const usualConnectMs = 15_000;
const retriedStatus: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
const redirectStatus: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** What may go along to another host; everything else may be a secret of the first one. */
const openHeaders: ReadonlySet<string> = new Set(["accept", "accept-encoding", "range", "user-agent"]);

export type Headers = Record<string, string | string[]>;

export interface Request {
  method: "GET" | "POST";
  url: string;
  headers: Headers;
  body?: string;
  signal?: AbortSignal | undefined;
}

export type Response = Dispatcher.ResponseData;

/** How connections are made, besides an endpoint's own settings. Plain data. */
export interface NetworkSettings {
  proxies: ProxySettings;
  /** How long a server may say nothing, before its answer or in the middle of it, before it counts as gone. */
  stallMs: number;
  /** The pause before the first new attempt; each further one is twice as long. */
  retryMs: number;
}

export const defaultNetwork: NetworkSettings = {
  proxies: { http: "", https: "", none: "" },
  stallMs: 30_000,
  retryMs: 200,
};

/**
 * HTTP to one endpoint: connections of its own with its TLS settings and the proxies of the environment, redirects that
 * never carry credentials to another host, and retries with growing pauses while the server is busy or out of reach.
 * close() ends the connections.
 */
export class Transport {
  readonly #agent: Agent;
  readonly #network: NetworkSettings;
  readonly #dial: Dial | undefined;
  readonly #connectMs: number;
  /** Connections to the proxy for plain HTTP. */
  #forwarder: Agent | undefined;

  /** Without `dial` connections are made in the process's own network. */
  constructor(endpoint: TlsSettings & Pick<Endpoint, "connectMs">, network: NetworkSettings, dial?: Dial) {
    this.#network = network;
    this.#dial = dial;
    this.#connectMs = endpoint.connectMs ?? usualConnectMs;
    this.#agent = this.#newAgent(
      connector({
        tls: endpoint,
        dial,
        timeoutMs: this.#connectMs,
        tunnel: (host, port) => proxyFor(httpsUrl(host, port), network.proxies),
      }),
    );
  }

  /**
   * Answers with whatever status the server gives in the end; the caller reads or drops the body. UNAVAILABLE when no
   * answer is to be had.
   */
  async send(request: Request): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      let pause = this.#network.retryMs * 2 ** (attempt - 1) * (0.75 + Math.random() / 2);
      try {
        const response = await this.#follow(request);
        if (!retriedStatus.has(response.statusCode) || attempt === attempts) return response;
        const wish = retryAfterMs(response);
        if (wish > longestDelayMs) return response;
        pause = Math.max(pause, wish);
        await response.body.dump();
      } catch (error) {
        if (request.signal?.aborted === true) throw error;
        if (attempt >= attemptsAfter(error))
          throw error instanceof LichenError ? error : unavailable(request, error);
      }
      await sleep(pause, undefined, request.signal === undefined ? {} : { signal: request.signal });
    }
  }

  async #follow(first: Request): Promise<Response> {
    let url = new URL(first.url);
    let { headers } = first;
    for (let hops = 0; hops <= maximumRedirects; hops++) {
      const response = await this.#once(url, { ...first, headers });
      const { location } = response.headers;
      if (!redirectStatus.has(response.statusCode) || typeof location !== "string") return response;
      await response.body.dump();
      if (!URL.canParse(location, url.href))
        throw badRedirect(first, `it leads to "${location}", which is no address`);
      const next = new URL(location, url);
      if (!/^https?:$/.test(next.protocol) || (next.protocol !== "https:" && url.protocol === "https:"))
        throw badRedirect(
          first,
          `it leads from ${url.protocol.slice(0, -1)} to ${next.protocol.slice(0, -1)}`,
        );
      if (next.origin !== url.origin && !isUpgrade(url, next)) {
        // The body of a POST is what a token is asked for with.
        if (first.body !== undefined)
          throw badRedirect(first, `credentials are not sent on to ${next.origin}`);
        headers = Object.fromEntries(
          Object.entries(headers).filter(([name]) => openHeaders.has(name.toLowerCase())),
        );
      }
      url = next;
    }
    throw badRedirect(first, `more than ${maximumRedirects} redirects`);
  }

  async #once(url: URL, { method, headers, body, signal }: Request): Promise<Response> {
    // The same for bodies as for the sockets they come from (readingTo): one read at a time.
    const rest = { method, body: body ?? null, signal: signal ?? null, highWaterMark: 1 };
    const path = `${url.pathname}${url.search}`;
    const proxy = url.protocol === "http:" ? proxyFor(url, this.#network.proxies) : undefined;
    if (proxy === undefined) return this.#agent.request({ origin: url.origin, path, headers, ...rest });
    const { authorization } = proxy;
    const response = await this.#forwarderTo(proxy).request({
      origin: proxy.origin,
      // The whole address: that is how a proxy is asked (RFC 9112 §3.2.2).
      path: `${url.origin}${path}`,
      headers: {
        ...headers,
        host: url.host,
        ...(authorization === undefined ? {} : { "proxy-authorization": authorization }),
      },
      ...rest,
    });
    if (response.statusCode !== 407) return response;
    await response.body.dump();
    throw wantsCredentials(proxy, url);
  }

  #forwarderTo(proxy: HttpProxy): Agent {
    this.#forwarder ??= this.#newAgent((_options, callback) => {
      connectToProxy(proxy, this.#dial, this.#connectMs).then(
        (socket) => callback(null, socket),
        (error: Error) => callback(error, null),
      );
    });
    return this.#forwarder;
  }

  #newAgent(connect: NonNullable<Agent.Options["connect"]>): Agent {
    const { stallMs } = this.#network;
    return new Agent({ connect, headersTimeout: stallMs, bodyTimeout: stallMs });
  }

  async close(): Promise<void> {
    await Promise.all([this.#agent.destroy(), this.#forwarder?.destroy()]);
  }
}

/** The same host, only that it wants to be spoken to in https: it may know what it would have known in plain HTTP. */
function isUpgrade(from: URL, to: URL): boolean {
  const usual = from.port === "" && to.port === "";
  return usual && from.hostname === to.hostname && from.protocol === "http:" && to.protocol === "https:";
}

function httpsUrl(host: string, port: number): URL {
  return new URL(`https://${host.includes(":") ? `[${host}]` : host}:${port}`);
}

/** How often to try in all. A name that does not resolve or a certificate that is not trusted does not get better. */
function attemptsAfter(error: unknown): number {
  const code = nativeCode(error) ?? "";
  if (["ECONNRESET", "EPIPE", "UND_ERR_SOCKET", "EAI_AGAIN"].includes(code)) return attempts;
  return code === "UND_ERR_HEADERS_TIMEOUT" ? silentAttempts : 1;
}

/** What Retry-After (RFC 9110 §10.2.3) asks for: seconds, or a date. */
export function retryAfterMs(response: Pick<Response, "headers">): number {
  const value = [response.headers["retry-after"] ?? ""].flat()[0] ?? "";
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? 0 : Math.max(ms, 0);
}

function unavailable(request: Request, error: unknown): LichenError {
  return new LichenError({
    code: "UNAVAILABLE",
    operation: request.method === "GET" ? "fetch" : "ask",
    object: request.url,
    reason: error instanceof Error ? error.message || nativeCode(error) || error.name : String(error),
    hint: "check that the registry runs and can be reached from this node (name, port, http or https, proxy)",
    cause: error,
  });
}

function badRedirect(request: Request, reason: string): LichenError {
  return new LichenError({
    code: "UNAVAILABLE",
    operation: "follow redirect of",
    object: request.url,
    reason,
  });
}

function wantsCredentials(proxy: HttpProxy, url: URL): LichenError {
  return new LichenError({
    code: "UNAVAILABLE",
    operation: "fetch through proxy",
    object: `${proxy.origin} from ${url.origin}`,
    reason: "it answered 407: it wants a name and password",
    hint: "give them in HTTP_PROXY: http://user:password@host:port",
  });
}
