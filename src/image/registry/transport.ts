import { setTimeout as sleep } from "node:timers/promises";
import { Agent, type Dispatcher, request } from "undici";
import { LichenError } from "../../errors.ts";
import { connectorThrough, type Dial } from "./dial.ts";
import type { Endpoint } from "./hosts.ts";

const maximumRedirects = 5;
const attempts = 4;
const firstDelayMs = 200;
const longestDelayMs = 30_000;
const retriedStatus: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);

export interface Request {
  method: "GET" | "POST";
  url: string;
  headers: Record<string, string>;
  body?: string;
  signal?: AbortSignal | undefined;
}

export type Response = Dispatcher.ResponseData;

/**
 * HTTP to one endpoint: connections of its own with its TLS settings, redirects that never carry credentials to another
 * host, and retries with growing pauses while the server is busy or out of reach. close() ends the connections.
 */
export class Transport {
  readonly #agent: Agent;

  /** Without `dial` connections are made in the process's own network. */
  constructor(endpoint: Pick<Endpoint, "skipVerify" | "authorities">, dial?: Dial) {
    const tls = {
      rejectUnauthorized: !endpoint.skipVerify,
      ...(endpoint.authorities.length > 0 ? { ca: endpoint.authorities } : {}),
    };
    this.#agent = new Agent({
      connect: dial === undefined ? { timeout: 10_000, ...tls } : connectorThrough(dial, tls),
      headersTimeout: 30_000,
      bodyTimeout: 60_000,
    });
  }

  /** Answers with whatever status the server gives in the end; the caller reads or drops the body. UNAVAILABLE else. */
  async send(request: Request): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      let pause = firstDelayMs * 2 ** (attempt - 1) * (0.75 + Math.random() / 2);
      try {
        const response = await this.#follow(request);
        if (!retriedStatus.has(response.statusCode) || attempt === attempts) return response;
        pause = Math.max(pause, retryAfterMs(response));
        await response.body.dump();
      } catch (error) {
        if (error instanceof LichenError || request.signal?.aborted === true) throw error;
        if (attempt === attempts || !isTransient(error)) throw unavailable(request, error);
      }
      await sleep(pause, undefined, request.signal === undefined ? {} : { signal: request.signal });
    }
  }

  async #follow(first: Request): Promise<Response> {
    let { url, headers } = first;
    for (let hops = 0; hops <= maximumRedirects; hops++) {
      const response = await request(url, {
        method: first.method,
        headers,
        dispatcher: this.#agent,
        body: first.body ?? null,
        signal: first.signal ?? null,
      });
      const location = response.headers.location;
      if (![301, 302, 303, 307, 308].includes(response.statusCode) || typeof location !== "string")
        return response;
      await response.body.dump();
      const next = new URL(location, url);
      if (next.protocol !== "https:" && new URL(url).protocol === "https:")
        throw badRedirect(first, `it leads from https to ${next.protocol.slice(0, -1)}`);
      if (next.origin !== new URL(url).origin) {
        const { authorization: _, ...others } = headers;
        headers = others;
      }
      url = next.href;
    }
    throw badRedirect(first, `more than ${maximumRedirects} redirects`);
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

/** A name that does not resolve or a certificate that is not trusted does not get better by trying again. */
function isTransient(error: unknown): boolean {
  const code = errorCode(error);
  return ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET", "EAI_AGAIN", "ETIMEDOUT"].includes(code);
}

export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function retryAfterMs(response: Response): number {
  const value = response.headers["retry-after"];
  if (typeof value !== "string") return 0;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), longestDelayMs);
}

function unavailable(request: Request, error: unknown): LichenError {
  return new LichenError({
    code: "UNAVAILABLE",
    operation: request.method === "GET" ? "fetch" : "ask",
    object: request.url,
    reason: error instanceof Error ? error.message || errorCode(error) : String(error),
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
