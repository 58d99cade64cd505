import { LichenError } from "../../errors.ts";
import { digestProblem, sha256, verifyDigest } from "../digest.ts";
import { manifestAccept } from "../media-types.ts";
import { formatReference, type ImageReference, repositoryName } from "../reference.ts";
import type { RegistryAuth } from "../types.ts";
import { Authorizer } from "./authorizer.ts";
import { credentialsOf, mayUse } from "./credentials.ts";
import type { Dial } from "./dial.ts";
import type { Endpoint } from "./hosts.ts";
import { type Response, Transport } from "./transport.ts";

const maximumManifestBytes = 4 * 1024 * 1024;
const streamAttempts = 3;
const maximumConfigBytes = 8 * 1024 * 1024;

/** Everything a client is made from; plain data, so that a worker thread can make the same one. */
export interface ClientState {
  endpoints: Endpoint[];
  registry: string;
  repository: string;
  auth?: RegistryAuth;
  /** Authorization headers already obtained, by endpoint. */
  headers: Record<string, string>;
}

export interface FetchedManifest {
  data: Uint8Array;
  digest: string;
  contentType: string;
}

interface Site {
  endpoint: Endpoint;
  transport: Transport;
  authorizer: Authorizer;
}

/**
 * One repository on its registry and the mirrors of it (OCI distribution-spec 1.1, pull). Endpoints are tried in
 * order; the next one gets its chance when one is out of reach, does not have the content or refuses. close() when done.
 */
export class RegistryClient {
  readonly #state: ClientState;
  readonly #sites: Site[];

  constructor(state: ClientState, dial?: Dial) {
    this.#state = state;
    const credentials = credentialsOf(state.auth);
    this.#sites = state.endpoints.map((endpoint) => {
      const transport = new Transport(endpoint, dial);
      const own = mayUse(state.auth, endpoint) ? credentials : undefined;
      const header = state.headers[endpoint.url];
      return {
        endpoint,
        transport,
        authorizer: new Authorizer(endpoint, state.repository, own, transport, header),
      };
    });
  }

  /** The state with the tokens obtained so far, for a client elsewhere. */
  get state(): ClientState {
    const headers: Record<string, string> = {};
    for (const { endpoint, authorizer } of this.#sites)
      if (authorizer.header !== undefined) headers[endpoint.url] = authorizer.header;
    return { ...this.#state, headers };
  }

  /** The manifest or index under a digest, or else the tag, of a reference; its digest is checked, or computed for a tag. */
  async manifest(reference: ImageReference, signal?: AbortSignal): Promise<FetchedManifest> {
    const name = reference.digest ?? reference.tag ?? "latest";
    const object = formatReference(reference);
    const need = reference.digest === undefined ? "resolve" : "pull";
    return this.#anywhere(need, object, signal, async (site) => {
      const response = await this.#get(
        site,
        `manifests/${name}`,
        { accept: manifestAccept.join(", ") },
        signal,
      );
      const data = await readBody(response, maximumManifestBytes, object);
      const contentType = [response.headers["content-type"] ?? ""].flat()[0]?.split(";", 1)[0] ?? "";
      const promised = reference.digest ?? [response.headers["docker-content-digest"] ?? ""].flat()[0] ?? "";
      if (digestProblem(promised) === undefined) verifyDigest(data, promised, "fetch manifest", object);
      return { data, digest: reference.digest ?? sha256(data), contentType };
    });
  }

  /** A small blob as a whole, checked. */
  async blob(descriptor: { digest: string; size: number }, signal?: AbortSignal): Promise<Uint8Array> {
    const object = this.#blobName(descriptor.digest);
    return this.#anywhere("pull", object, signal, async (site) => {
      const response = await this.#get(site, `blobs/${descriptor.digest}`, {}, signal);
      const data = await readBody(response, Math.min(maximumConfigBytes, descriptor.size), object);
      verifyDigest(data, descriptor.digest, "fetch blob", object);
      return data;
    });
  }

  /**
   * Begins to fetch a blob and hands its body to `read`, which checks it. A connection that breaks off is begun anew a
   * few times, `read` being called again; after any other failure the next endpoint is tried.
   */
  async stream<T>(
    digest: string,
    read: (body: Response["body"]) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.#anywhere("pull", this.#blobName(digest), signal, async (site) => {
      for (let attempt = 1; ; attempt++) {
        // Content-coding would put a second compression around the blob and change its digest.
        const headers = { "accept-encoding": "identity" };
        const response = await this.#get(site, `blobs/${digest}`, headers, signal);
        try {
          return await read(response.body);
        } catch (error) {
          const brokeOff = !(error instanceof LichenError) && signal?.aborted !== true;
          if (!brokeOff || attempt === streamAttempts) throw error;
        }
      }
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#sites.map((site) => site.transport.close()));
  }

  #blobName(digest: string): string {
    const { registry, repository } = this.#state;
    return `${repositoryName({ registry, repository })}@${digest}`;
  }

  async #anywhere<T>(
    need: "resolve" | "pull",
    object: string,
    signal: AbortSignal | undefined,
    attempt: (site: Site) => Promise<T>,
  ): Promise<T> {
    const failures: LichenError[] = [];
    for (const site of this.#sites) {
      if (!site.endpoint.capabilities[need]) continue;
      try {
        return await attempt(site);
      } catch (error) {
        if (signal?.aborted === true) throw error;
        failures.push(error instanceof LichenError ? error : interrupted(object, error));
      }
    }
    throw mostTelling(failures, need, object);
  }

  async #get(
    site: Site,
    path: string,
    headers: Record<string, string>,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    const url = new URL(`${site.endpoint.url}/${this.#state.repository}/${path}`);
    // Mirrors that serve several registries are told which one is meant, as containerd does.
    if (!site.endpoint.origin) url.searchParams.set("ns", this.#state.registry);
    for (let answered = false; ; answered = true) {
      const response = await site.transport.send({
        method: "GET",
        url: url.href,
        headers: {
          "user-agent": "lichen",
          ...site.endpoint.headers,
          ...(site.authorizer.header === undefined ? {} : { authorization: site.authorizer.header }),
          ...headers,
        },
        signal,
      });
      if (response.statusCode === 200) return response;
      if (response.statusCode === 401 && !answered && (await site.authorizer.answer(response, signal))) {
        await response.body.dump();
        continue;
      }
      throw await refused(response, url.href);
    }
  }
}

/** Reads a body of at most `limit` bytes. */
async function readBody(response: Response, limit: number, object: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > limit)
      throw new LichenError({
        code: "DATA_LOSS",
        operation: "fetch",
        object,
        reason: `the registry sends more than ${limit} bytes`,
      });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A connection that ended while content was on its way. */
function interrupted(object: string, error: unknown): LichenError {
  return new LichenError({
    code: "UNAVAILABLE",
    operation: "fetch",
    object,
    reason: `the connection ended early: ${error instanceof Error ? error.message : String(error)}`,
    hint: "pull again; the registry or the network broke off",
    cause: error,
  });
}

/** The registry's own words about a failure (distribution-spec, "Error codes"), or nothing. */
async function registryMessage(response: Response): Promise<string> {
  const text = (await response.body.text()).slice(0, 4096);
  try {
    const { errors } = JSON.parse(text) as { errors?: { code?: string; message?: string }[] };
    return (errors ?? []).map((error) => `${error.code ?? ""} ${error.message ?? ""}`.trim()).join("; ");
  } catch {
    return "";
  }
}

async function refused(response: Response, url: string): Promise<LichenError> {
  const status = response.statusCode;
  const message = await registryMessage(response);
  const reason = `the registry answered ${status}${message === "" ? "" : `: ${message}`}`;
  const fields = { operation: "fetch", object: url, reason };
  if (status === 404) {
    return new LichenError({
      ...fields,
      code: "NOT_FOUND",
      hint: "check the spelling of repository and tag",
    });
  }
  if (status === 401 || status === 403) {
    const hint =
      "the repository is private or does not exist: check the name, or give credentials (imagePullSecrets)";
    return new LichenError({
      ...fields,
      code: status === 401 ? "UNAUTHENTICATED" : "PERMISSION_DENIED",
      hint,
    });
  }
  return new LichenError({ ...fields, code: "UNAVAILABLE" });
}

/** Of the failures of all endpoints, the one that says most; the others are named in its reason. */
function mostTelling(failures: LichenError[], need: string, object: string): LichenError {
  const telling = ["DATA_LOSS", "UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND"];
  const rank = (error: LichenError) =>
    telling.includes(error.code) ? telling.indexOf(error.code) : telling.length;
  const [first, ...others] = failures.sort((a, b) => rank(a) - rank(b));
  if (first === undefined)
    return new LichenError({
      code: "FAILED_PRECONDITION",
      operation: "fetch",
      object,
      reason: `no configured address of the registry may be used to ${need}`,
      hint: "give one of the hosts in hosts.toml this capability",
    });
  if (others.length === 0) return first;
  return new LichenError({
    code: first.code,
    operation: "fetch",
    object,
    reason: [first, ...others].map((error) => error.message).join("; "),
    ...(first.hint === undefined ? {} : { hint: first.hint }),
    cause: first,
  });
}
