import { LichenError } from "../errors.ts";
import { digestProblem } from "./digest.ts";

/** A parsed image name. `tag` is "latest" where neither tag nor digest was given. */
export interface ImageReference {
  /** Registry host, with port where one was given. */
  registry: string;
  /** Path of the repository on the registry. */
  repository: string;
  tag?: string;
  digest?: string;
}

const defaultRegistry = "docker.io";
const legacyDefaultRegistry = "index.docker.io";
const officialPrefix = "library/";
const maximumRepositoryLength = 255;

// The grammar of distribution/reference (reference.go, regexp.go), name by name.
const domainComponent = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const domainName = `${domainComponent}(?:\\.${domainComponent})*`;
const ipv6Address = "\\[(?:[a-fA-F0-9:]+)\\]";
const domain = `(?:${domainName}|${ipv6Address})(?::[0-9]+)?`;
const pathComponent = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const remoteName = `${pathComponent}(?:/${pathComponent})*`;
const tag = "[\\w][\\w.-]{0,127}";
const digest = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
const referencePattern = new RegExp(`^(${domain})/(${remoteName})(?::(${tag}))?(?:@(${digest}))?$`);
const identifierPattern = /^[a-f0-9]{64}$/;

/**
 * Parses what people write for an image, exactly as distribution/reference's ParseNormalizedNamed does: "alpine" is
 * docker.io/library/alpine:latest, "localhost/x" and "host:5000/x" and "[::1]:5000/x" name their registry.
 * Throws INVALID_ARGUMENT with what is wrong and what would be right.
 */
export function parseReference(text: string): ImageReference {
  if (text === "") throw refusal(text, "the name is empty");
  if (identifierPattern.test(text))
    throw refusal(
      text,
      "64 hex digits are the id of an image, not a name",
      'write "name@sha256:…" to pull a digest',
    );
  const [registry, remainder] = splitRegistry(text);
  const repository = remainder.split(/[:@]/, 1)[0] ?? "";
  const match = referencePattern.exec(`${registry}/${remainder}`);
  if (match === null) throw refusal(text, whatIsWrong(registry, repository, remainder));
  if (repository.length > maximumRepositoryLength)
    throw refusal(
      text,
      `the repository has ${repository.length} characters, at most ${maximumRepositoryLength} are allowed`,
    );
  const reference: ImageReference = { registry, repository };
  if (match[3] !== undefined) reference.tag = match[3];
  if (match[4] !== undefined) {
    const problem = digestProblem(match[4]);
    if (problem !== undefined) throw refusal(text, problem);
    reference.digest = match[4];
  }
  if (reference.tag === undefined && reference.digest === undefined) reference.tag = "latest";
  return reference;
}

/** "docker.io/library/alpine": the name without tag and digest. */
export function repositoryName(reference: ImageReference): string {
  return `${reference.registry}/${reference.repository}`;
}

/** The whole name; with both tag and digest, both. */
export function formatReference(reference: ImageReference): string {
  const withTag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const withDigest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return repositoryName(reference) + withTag + withDigest;
}

/** The first part is a registry when it looks like a host: a dot, a port, "localhost", or capital letters. */
function splitRegistry(text: string): [registry: string, remainder: string] {
  const slash = text.indexOf("/");
  const first = text.slice(0, Math.max(slash, 0));
  const isHost = first === "localhost" || /[.:]/.test(first) || first.toLowerCase() !== first;
  const registry = slash < 0 || !isHost || first === legacyDefaultRegistry ? defaultRegistry : first;
  const remainder = slash >= 0 && isHost ? text.slice(slash + 1) : text;
  const official = registry === defaultRegistry && !remainder.includes("/");
  return [registry, official ? officialPrefix + remainder : remainder];
}

function whatIsWrong(registry: string, repository: string, remainder: string): string {
  if (!new RegExp(`^${domain}$`).test(registry)) return `"${registry}" is no registry host`;
  if (repository.toLowerCase() !== repository) return `the repository "${repository}" must be in lower case`;
  if (!new RegExp(`^${remoteName}$`).test(repository)) return `"${repository}" is no repository name`;
  const rest = remainder.slice(repository.length);
  const at = rest.indexOf("@");
  const tagPart = at < 0 ? rest : rest.slice(0, at);
  if (tagPart !== "" && !new RegExp(`^:${tag}$`).test(tagPart)) return `"${tagPart.slice(1)}" is no tag`;
  return `"${rest.slice(at + 1)}" is no digest`;
}

function refusal(text: string, reason: string, hint?: string): LichenError {
  return new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "parse image reference",
    object: JSON.stringify(text),
    reason,
    hint:
      hint ??
      'a reference is written [registry[:port]/]repository[:tag][@sha256:…], as in "docker.io/library/alpine:3"',
  });
}
