import * as z from "zod";
import { LichenError } from "../../errors.ts";
import type { FoundCredentials } from "./auth-files.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import type { Credentials } from "./credentials.ts";
import type { Endpoint } from "./hosts.ts";
import type { Request, Response, Transport } from "./transport.ts";

const tokenSchema = z.object({ token: z.string().optional(), access_token: z.string().optional() });

export interface AuthorizerOptions {
  endpoint: Pick<Endpoint, "url">;
  /** What access is asked for where the challenge does not say; "" for none in particular. */
  scope: string;
  transport: Transport;
  /** Looks for credentials; called when the first challenge comes, and once. */
  find: (signal: AbortSignal | undefined) => Promise<FoundCredentials | undefined>;
  /** A header that was accepted before. */
  header?: string | undefined;
}

/**
 * Answers the challenges of one endpoint for one repository: Basic with name and password, Bearer with a token from the
 * realm (distribution's token specification; an identity token is traded in by OAuth 2). The header that was accepted
 * is kept and sent at once from then on; a token that is refused later, being too old, is replaced.
 */
export class Authorizer {
  readonly #options: AuthorizerOptions;
  #header: string | undefined;
  #finding: Promise<FoundCredentials | undefined> | undefined;
  #found: FoundCredentials | undefined;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
    this.#header = options.header;
  }

  /** The Authorization header to send, if one is known. */
  get header(): string | undefined {
    return this.#header;
  }

  /** The credentials, once they have been looked for and found. */
  get found(): FoundCredentials | undefined {
    return this.#found;
  }

  /** Finds an answer to a 401; false when there is none (no credentials, or they were shown already and refused). */
  async answer(response: Response, signal: AbortSignal | undefined): Promise<boolean> {
    const before = this.#header;
    this.#finding ??= this.#options.find(signal);
    this.#found = await this.#finding;
    this.#header = await this.#headerFor(challengesOf(response), signal);
    return this.#header !== undefined && this.#header !== before;
  }

  async #headerFor(
    challenges: readonly Challenge[],
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    const credentials = this.#found?.credentials;
    if (credentials?.kind === "bearer") return `Bearer ${credentials.token}`;
    for (const challenge of challenges) {
      if (challenge.scheme === "bearer") return this.#bearer(challenge, credentials, signal);
      if (challenge.scheme === "basic" && credentials?.kind === "password") return basic(credentials);
    }
    return undefined;
  }

  async #bearer(
    challenge: Challenge,
    credentials: Credentials | undefined,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    const { endpoint, transport } = this.#options;
    const { realm = "", service = "", scope = this.#options.scope } = challenge.parameters;
    if (!URL.canParse(realm)) throw this.#refusal(realm, "the registry's token realm is no address");
    const url = new URL(realm);
    if (credentials !== undefined && url.protocol !== "https:" && endpoint.url.startsWith("https:"))
      throw this.#refusal(
        realm,
        "credentials are not sent in plain HTTP on behalf of a registry that uses https",
      );
    const response = await transport.send({ ...tokenRequest(url, service, scope, credentials), signal });
    const text = await response.body.text();
    if (response.statusCode === 401 || response.statusCode === 403) return undefined;
    if (response.statusCode !== 200)
      throw this.#refusal(realm, `the token server answered ${response.statusCode}`);
    const token = parseToken(text);
    if (token === undefined) throw this.#refusal(realm, "the token server's answer holds no token");
    return `Bearer ${token}`;
  }

  #refusal(realm: string, reason: string): LichenError {
    return new LichenError({ code: "UNAUTHENTICATED", operation: "get token from", object: realm, reason });
  }
}

function tokenRequest(
  url: URL,
  service: string,
  scope: string,
  credentials: Credentials | undefined,
): Request {
  if (credentials?.kind === "identity") {
    const form = { grant_type: "refresh_token", refresh_token: credentials.token, client_id: "lichen" };
    return {
      method: "POST",
      url: url.href,
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ ...form, service, scope }).toString(),
    };
  }
  if (service !== "") url.searchParams.set("service", service);
  // One parameter a scope: registries may ask for several.
  for (const one of scope.split(" ")) if (one !== "") url.searchParams.append("scope", one);
  const headers: Record<string, string> = {};
  if (credentials?.kind === "password") {
    headers.authorization = basic(credentials);
    url.searchParams.set("account", credentials.username);
  }
  return { method: "GET", url: url.href, headers };
}

function challengesOf(response: Response): Challenge[] {
  return parseChallenges([response.headers["www-authenticate"] ?? []].flat().join(", "));
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
