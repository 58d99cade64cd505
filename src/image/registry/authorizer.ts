import * as z from "zod";
import { LichenError } from "../../errors.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import type { Credentials } from "./credentials.ts";
import type { Endpoint } from "./hosts.ts";
import type { Response, Transport } from "./transport.ts";

const tokenSchema = z.object({ token: z.string().optional(), access_token: z.string().optional() });

/**
 * Answers the challenges of one endpoint for one repository: Basic with name and password, Bearer with a token from the
 * realm (distribution's token specification; an identity token is traded in by OAuth 2). The header that was accepted
 * is kept and sent at once from then on.
 */
export class Authorizer {
  readonly #endpoint: Endpoint;
  readonly #repository: string;
  readonly #credentials: Credentials | undefined;
  readonly #transport: Transport;
  #header: string | undefined;

  constructor(
    endpoint: Endpoint,
    repository: string,
    credentials: Credentials | undefined,
    transport: Transport,
    header?: string,
  ) {
    this.#endpoint = endpoint;
    this.#repository = repository;
    this.#credentials = credentials;
    this.#transport = transport;
    this.#header = header ?? (credentials?.kind === "bearer" ? `Bearer ${credentials.token}` : undefined);
  }

  /** The Authorization header to send, if one is known. */
  get header(): string | undefined {
    return this.#header;
  }

  /** Finds an answer to a 401; false when there is none (no credentials, or they were shown already and refused). */
  async answer(response: Response, signal: AbortSignal | undefined): Promise<boolean> {
    const header = [response.headers["www-authenticate"] ?? []].flat().join(", ");
    const before = this.#header;
    for (const challenge of parseChallenges(header)) {
      if (challenge.scheme === "bearer") this.#header = await this.#bearer(challenge, signal);
      else if (challenge.scheme === "basic" && this.#credentials?.kind === "password")
        this.#header = basic(this.#credentials);
      else continue;
      return this.#header !== undefined && this.#header !== before;
    }
    return false;
  }

  async #bearer(challenge: Challenge, signal: AbortSignal | undefined): Promise<string | undefined> {
    if (this.#credentials?.kind === "bearer") return this.#header;
    const { realm = "", service = "", scope = `repository:${this.#repository}:pull` } = challenge.parameters;
    if (!URL.canParse(realm)) throw this.#refusal(realm, "the registry's token realm is no address");
    const url = new URL(realm);
    if (
      this.#credentials !== undefined &&
      url.protocol !== "https:" &&
      this.#endpoint.url.startsWith("https:")
    )
      throw this.#refusal(
        realm,
        "credentials are not sent in plain HTTP on behalf of a registry that uses https",
      );
    const response = await this.#transport.send({ ...this.#tokenRequest(url, service, scope), signal });
    const text = await response.body.text();
    if (response.statusCode === 401 || response.statusCode === 403) return undefined;
    if (response.statusCode !== 200)
      throw this.#refusal(realm, `the token server answered ${response.statusCode}`);
    const token = parseToken(text);
    if (token === undefined) throw this.#refusal(realm, "the token server's answer holds no token");
    return `Bearer ${token}`;
  }

  #tokenRequest(url: URL, service: string, scope: string) {
    if (this.#credentials?.kind === "identity") {
      const form = {
        grant_type: "refresh_token",
        refresh_token: this.#credentials.token,
        client_id: "lichen",
      };
      return {
        method: "POST" as const,
        url: url.href,
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ ...form, service, scope }).toString(),
      };
    }
    if (service !== "") url.searchParams.set("service", service);
    // One parameter a scope: registries may ask for several.
    for (const one of scope.split(" ")) url.searchParams.append("scope", one);
    const headers: Record<string, string> = {};
    if (this.#credentials?.kind === "password") headers.authorization = basic(this.#credentials);
    return { method: "GET" as const, url: url.href, headers };
  }

  #refusal(realm: string, reason: string): LichenError {
    return new LichenError({ code: "UNAUTHENTICATED", operation: "get token from", object: realm, reason });
  }
}

function parseToken(text: string): string | undefined {
  try {
    const answer = tokenSchema.safeParse(JSON.parse(text));
    return answer.data?.token ?? answer.data?.access_token;
  } catch {
    return undefined;
  }
}

function basic(credentials: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64")}`;
}
