import { LichenError } from "../../errors.ts";
import { type Response, retryAfterMs } from "./transport.ts";

/** Ends an answer whose content nobody wants, with its connection. */
export function drop(response: Response): void {
  response.body.on("error", () => {});
  response.body.destroy();
}

/** Reads content of at most `limit` bytes. */
export async function readWhole(
  body: AsyncIterable<Uint8Array>,
  limit: number,
  object: string,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
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

/** A connection that ended while an answer was on its way. */
export function brokenOff(object: string, error: unknown): LichenError {
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
  try {
    const text = (await response.body.text()).slice(0, 4096);
    const { errors } = JSON.parse(text) as { errors?: { code?: string; message?: string }[] };
    return (errors ?? []).map((error) => `${error.code ?? ""} ${error.message ?? ""}`.trim()).join("; ");
  } catch {
    return "";
  }
}

/** What an answer that is no success means. `shown`: where the credentials came from that it was asked with. */
export async function refused(
  response: Response,
  url: string,
  shown: string | undefined,
): Promise<LichenError> {
  const status = response.statusCode;
  const message = await registryMessage(response);
  const reason = `the registry answered ${status}${message === "" ? "" : `: ${message}`}`;
  const fields = { operation: "fetch", object: url, reason };
  if (status === 404)
    return new LichenError({
      ...fields,
      code: "NOT_FOUND",
      hint: "check the spelling of repository and tag",
    });
  if (status === 401 || status === 403)
    return new LichenError({
      ...fields,
      code: status === 401 ? "UNAUTHENTICATED" : "PERMISSION_DENIED",
      hint: hintOnCredentials(shown, new URL(url).host),
    });
  if (status === 429) {
    const wait = Math.ceil(retryAfterMs(response) / 1000);
    const until = wait === 0 ? "later" : `in ${wait} s`;
    return new LichenError({
      ...fields,
      code: "RESOURCE_EXHAUSTED",
      hint: `the registry limits how often it may be asked: pull again ${until}, with credentials, or from a mirror`,
    });
  }
  return new LichenError({ ...fields, code: "UNAVAILABLE" });
}

function hintOnCredentials(shown: string | undefined, host: string): string {
  return shown === undefined
    ? `the repository is private or does not exist: check the name, or give credentials (\`lichen login ${host}\`, imagePullSecrets)`
    : `the repository is private or does not exist, and the credentials of ${shown} do not open it: check the name and the credentials`;
}

// Of several failures the first of these says most about the image.
const telling = ["INVALID_ARGUMENT", "DATA_LOSS", "UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND"];

/** Of the failures of all endpoints, the one that says most; the others are named in its reason. */
export function mostTelling(failures: LichenError[], need: string, object: string): LichenError {
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
