import { setTimeout as sleep } from "node:timers/promises";
import { LichenError } from "../../errors.ts";
import { nativeCode } from "../../native/failure.ts";
import { drop } from "./answers.ts";
import { chunksOf } from "./chunks.ts";
import type { Response } from "./transport.ts";

/** How often in a row a connection may break off without having brought much. */
const attempts = 6;
/** So often when the server says nothing at all, which costs a whole time-out each, or ends the content too early. */
const patientAttempts = 2;
/** What counts as much. */
const progressBytes = 64 * 1024;

export interface BlobSource {
  /** For messages: repository and digest. */
  object: string;
  /** Bytes that there must be. */
  size: number;
  /** Asks for the bytes from `offset` on (200, 206 or 416); rejects with a LichenError for every other answer. */
  open: (offset: number) => Promise<Response>;
  signal: AbortSignal | undefined;
  /** The pause after a connection that did bring much; it doubles with each that does not. */
  retryMs: number;
}

/**
 * The bytes of a blob, once and in order. A connection that breaks off or falls silent is replaced by one that goes on where
 * the last one ended (RFC 9110 §14), so whoever reads keeps what was done with the bytes so far. A server that knows
 * no ranges sends everything again, and what is there already is passed over. Bytes are not checked here.
 */
export class BlobBody implements AsyncIterable<Uint8Array> {
  readonly #source: BlobSource;
  #offset = 0;
  #resumed = 0;
  #failure: unknown;

  constructor(source: BlobSource) {
    this.#source = source;
  }

  /** How often the content was gone on with by another answer. */
  get resumed(): number {
    return this.#resumed;
  }

  /** What fetching, not reading, failed with. */
  get failure(): unknown {
    return this.#failure;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#allParts();
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  async *#allParts(): AsyncGenerator<Uint8Array> {
    const { size, signal, object, retryMs } = this.#source;
    for (let failures = 0, first = true; ; first = false) {
      const before = this.#offset;
      let broke: unknown;
      try {
        const body = await this.#open(first);
        if (body === undefined) return;
        yield* this.#read(body);
      } catch (error) {
        const goneForGood = first || !isUnavailable(error);
        if (signal?.aborted === true || (error instanceof LichenError && goneForGood)) throw error;
        broke = error;
      }
      // An end that is only rough is an end.
      if (this.#offset >= size) return;
      const enough = this.#offset - before >= Math.min(progressBytes, size / 8);
      failures = enough ? 0 : failures + 1;
      if (failures >= attemptsAfter(broke)) {
        // Content that simply is too short is for the reader to judge.
        if (broke === undefined) return;
        if (broke instanceof LichenError) throw broke;
        throw interrupted(object, this.#offset, size, broke);
      }
      await sleep(retryMs * 2 ** failures, undefined, signal === undefined ? {} : { signal });
    }
  }

  /** The next part, cut to where it begins to be new; undefined when the server has no more. */
  async #open(first: boolean): Promise<AsyncIterable<Uint8Array> | undefined> {
    const { open, object, size } = this.#source;
    if (!first) this.#resumed++;
    const response = await open(this.#offset);
    const body = chunksOf(response.body);
    if (response.statusCode === 206) {
      const problem = rangeProblem([response.headers["content-range"] ?? ""].flat()[0], this.#offset, size);
      if (problem === undefined) return body;
      drop(response);
      throw damaged(object, problem);
    }
    if (response.statusCode === 416) {
      await response.body.dump();
      return undefined;
    }
    const length = Number([response.headers["content-length"] ?? size].flat()[0]);
    if (length === size) return without(body, this.#offset);
    drop(response);
    throw damaged(object, `the registry announces ${length} bytes, the manifest promises ${size}`);
  }

  async *#read(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      this.#offset += chunk.length;
      yield chunk;
    }
  }
}

/** The server may come back, and there is something to go on with. */
function isUnavailable(error: unknown): boolean {
  return error instanceof LichenError && error.code === "UNAVAILABLE";
}

function attemptsAfter(broke: unknown): number {
  return broke === undefined || nativeCode(broke) === "UND_ERR_BODY_TIMEOUT" ? patientAttempts : attempts;
}

/** Why "bytes FIRST-LAST/TOTAL" is not what was asked for. */
function rangeProblem(range: string | undefined, offset: number, size: number): string | undefined {
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(range ?? "");
  if (match === null) return `the registry's partial answer has the Content-Range "${range ?? ""}"`;
  const [, first, last, total] = match;
  if (Number(first) === offset && Number(last) < size && (total === "*" || Number(total) === size))
    return undefined;
  return `asked for bytes from ${offset} on of ${size}, the registry sends "${range}"`;
}

async function* without(body: AsyncIterable<Uint8Array>, known: number): AsyncGenerator<Uint8Array> {
  let left = known;
  for await (const chunk of body) {
    if (left === 0) yield chunk;
    else if (chunk.length > left) {
      yield chunk.subarray(left);
      left = 0;
    } else left -= chunk.length;
  }
}

function damaged(object: string, reason: string): LichenError {
  return new LichenError({
    code: "DATA_LOSS",
    operation: "fetch",
    object,
    reason,
    hint: "the registry has another content than the manifest says; pull again, or push the image again",
  });
}

/** A connection that ended while content was on its way. */
function interrupted(object: string, offset: number, size: number, error: unknown): LichenError {
  return new LichenError({
    code: "UNAVAILABLE",
    operation: "fetch",
    object,
    reason: `the connection ended early, again and again, last after ${offset} of ${size} bytes: ${words(error)}`,
    hint: "pull again; the registry or the network broke off",
    cause: error,
  });
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
