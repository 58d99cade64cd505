import { LichenError } from "../../errors.ts";
import { digestProblem, sha256, verifyDigest } from "../digest.ts";
import { manifestAccept } from "../media-types.ts";
import { formatReference, type ImageReference, repositoryName } from "../reference.ts";
import type { RegistryAuth } from "../types.ts";
import { brokenOff, mostTelling, readWhole, refused } from "./answers.ts";
import { type FoundCredentials, findCredentials } from "./auth-files.ts";
import { Authorizer } from "./authorizer.ts";
import { BlobBody } from "./blob-body.ts";
import { credentialsOf, mayUse } from "./credentials.ts";
import type { Dial } from "./dial.ts";
import type { Endpoint } from "./hosts.ts";
import { defaultNetwork, type Headers, type NetworkSettings, type Response, Transport } from "./transport.ts";

const maximumManifestBytes = 4 * 1024 * 1024;
const manifestAttempts = 3;
const maximumConfigBytes = 8 * 1024 * 1024;

/** Where to look for credentials that were not given. Plain data; the environment is the process's own. */
export interface CredentialPlaces {
  /** Docker's and podman's files, in the order to read them. */
  files: string[];
  /** Whom credential helpers are to run as, where that is not who this process is. */
  user?: { uid: number; gid: number };
}

/** Everything a client is made from; plain data, so that a worker thread can make the same one. */
export interface ClientState {
  endpoints: Endpoint[];
  registry: string;
  repository: string;
  /** Given with the pull: then no others are looked for. */
  auth?: RegistryAuth;
  places?: CredentialPlaces;
  network?: NetworkSettings;
  /** Authorization headers already obtained, by endpoint. */
  headers: Record<string, string>;
  /** Credentials already found, by endpoint. */
  found?: Record<string, FoundCredentials>;
}

export interface FetchedManifest {
  data: Uint8Array;
  digest: string;
  contentType: string;
}

/** What a blob is called and how long it is. */
export interface BlobDescriptor {
  digest: string;
  size: number;
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
    const scope = `repository:${state.repository}:pull`;
    this.#sites = state.endpoints.map((endpoint) => {
      const transport = new Transport(endpoint, state.network ?? defaultNetwork, dial);
      const find = (signal?: AbortSignal) => credentialsFor(endpoint, state, signal);
      const header = state.headers[endpoint.url] ?? givenToken(endpoint, state);
      return {
        endpoint,
        transport,
        authorizer: new Authorizer({ endpoint, scope, transport, find, header }),
      };
    });
  }

  /** The state with what was obtained so far, for a client elsewhere. */
  get state(): ClientState {
    const headers: Record<string, string> = {};
    const found: Record<string, FoundCredentials> = {};
    for (const { endpoint, authorizer } of this.#sites) {
      if (authorizer.header !== undefined) headers[endpoint.url] = authorizer.header;
      if (authorizer.found !== undefined) found[endpoint.url] = authorizer.found;
    }
    return { ...this.#state, headers, found };
  }

  /** The manifest or index under a digest, or else the tag, of a reference; its digest is checked, or computed for a tag. */
  async manifest(reference: ImageReference, signal?: AbortSignal): Promise<FetchedManifest> {
    const name = reference.digest ?? reference.tag ?? "latest";
    const object = formatReference(reference);
    const need = reference.digest === undefined ? "resolve" : "pull";
    const accept = { accept: manifestAccept.join(", ") };
    return this.#anywhere(need, object, signal, async (site) => {
      for (let attempt = 1; ; attempt++) {
        const response = await this.#get(site, `manifests/${name}`, accept, signal);
        try {
          return await readManifest(response, reference.digest, object);
        } catch (error) {
          if (error instanceof LichenError || signal?.aborted === true) throw error;
          if (attempt === manifestAttempts) throw brokenOff(object, error);
        }
      }
    });
  }

  /** A small blob as a whole, checked. */
  async blob(descriptor: BlobDescriptor, signal?: AbortSignal): Promise<Uint8Array> {
    const object = this.#blobName(descriptor.digest);
    const read = async (body: AsyncIterable<Uint8Array>) => {
      const data = await readWhole(body, Math.min(maximumConfigBytes, descriptor.size), object);
      verifyDigest(data, descriptor.digest, "fetch blob", object);
      return data;
    };
    return this.stream(descriptor, read, signal);
  }

  /**
   * Fetches a blob and hands its bytes to `read`, which checks them. Where a connection breaks off another one goes on
   * (BlobBody). `read` is called again, with the content from its beginning, when pieces did not make what was promised
   * and when another endpoint is asked: after all failures but those that are this machine's own.
   */
  async stream<T>(
    descriptor: BlobDescriptor,
    read: (body: AsyncIterable<Uint8Array>) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const object = this.#blobName(descriptor.digest);
    return this.#anywhere("pull", object, signal, async (site) => {
      const open = (offset: number) => this.#openBlob(site, descriptor.digest, offset, signal);
      const { retryMs } = this.#state.network ?? defaultNetwork;
      const newBody = () => new BlobBody({ object, size: descriptor.size, open, signal, retryMs });
      const body = newBody();
      try {
        return await read(body);
      } catch (error) {
        if (isOwnFailure(error) && body.failure === undefined) throw new OwnFailure(error);
        if (body.resumed === 0 || !(error instanceof LichenError) || error.code !== "DATA_LOSS") throw error;
        return read(newBody());
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

  #openBlob(site: Site, digest: string, offset: number, signal: AbortSignal | undefined): Promise<Response> {
    // Content-coding would put a second compression around the blob and change its digest.
    const headers: Headers = { "accept-encoding": "identity" };
    if (offset > 0) headers.range = `bytes=${offset}-`;
    return this.#get(site, `blobs/${digest}`, headers, signal, offset > 0 ? [200, 206, 416] : [200]);
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
        if (error instanceof OwnFailure) throw error.failure;
        failures.push(error instanceof LichenError ? error : brokenOff(object, error));
      }
    }
    throw mostTelling(failures, need, object);
  }

  async #get(
    site: Site,
    path: string,
    headers: Headers,
    signal: AbortSignal | undefined,
    wanted: readonly number[] = [200],
  ): Promise<Response> {
    const { endpoint, authorizer, transport } = site;
    const url = new URL(`${endpoint.url}/${this.#state.repository}/${path}`);
    // Mirrors that serve several registries are told which one is meant, as containerd does.
    if (!endpoint.origin) url.searchParams.set("ns", this.#state.registry);
    for (let answered = false; ; answered = true) {
      const response = await transport.send({
        method: "GET",
        url: url.href,
        headers: {
          "user-agent": "lichen",
          ...endpoint.headers,
          ...(authorizer.header === undefined ? {} : { authorization: authorizer.header }),
          ...headers,
        },
        signal,
      });
      if (wanted.includes(response.statusCode)) return response;
      if (response.statusCode === 401 && !answered && (await authorizer.answer(response, signal))) {
        await response.body.dump();
        continue;
      }
      throw await refused(response, url.href, authorizer.found?.source);
    }
  }
}

async function readManifest(
  response: Response,
  digest: string | undefined,
  object: string,
): Promise<FetchedManifest> {
  const header = (name: string) => [response.headers[name] ?? ""].flat()[0] ?? "";
  const data = await readWhole(response.body, maximumManifestBytes, object);
  const promised = digest ?? header("docker-content-digest");
  if (digestProblem(promised) === undefined) verifyDigest(data, promised, "fetch manifest", object);
  return { data, digest: digest ?? sha256(data), contentType: header("content-type").split(";", 1)[0] ?? "" };
}

/** A registry's token that was given needs no challenge to be shown. */
function givenToken(endpoint: Endpoint, { auth }: ClientState): string | undefined {
  const credentials = credentialsOf(auth);
  return credentials?.kind === "bearer" && mayUse(auth, endpoint) ? `Bearer ${credentials.token}` : undefined;
}

async function credentialsFor(
  endpoint: Endpoint,
  state: ClientState,
  signal: AbortSignal | undefined,
): Promise<FoundCredentials | undefined> {
  const known = state.found?.[endpoint.url];
  if (known !== undefined) return known;
  const given = credentialsOf(state.auth);
  if (given !== undefined)
    return mayUse(state.auth, endpoint) ? { credentials: given, source: "the pull" } : undefined;
  if (state.places === undefined) return undefined;
  const host = endpoint.origin ? state.registry : new URL(endpoint.url).host;
  const { files, user } = state.places;
  return findCredentials(`${host}/${state.repository}`, files, { environment: process.env, user, signal });
}

/** A failure that another endpoint would not mend, such as a full disk. */
class OwnFailure extends Error {
  readonly failure: unknown;

  constructor(failure: unknown) {
    super("own failure");
    this.failure = failure;
  }
}

function isOwnFailure(error: unknown): boolean {
  return (
    error instanceof LichenError && !["DATA_LOSS", "UNAVAILABLE", "INVALID_ARGUMENT"].includes(error.code)
  );
}
