import { createHash, type Hash } from "node:crypto";
import { LichenError } from "../errors.ts";

/** Digest algorithms that can be checked, with the number of hex digits each has (image-spec, descriptor.md). */
const hexLengths: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

/** Why `text` is no digest that can be checked, or undefined when it is one. */
export function digestProblem(text: string): string | undefined {
  const colon = text.indexOf(":");
  if (colon < 0) return 'a digest is written "sha256:<64 hex digits>"';
  const algorithm = text.slice(0, colon);
  const length = hexLengths[algorithm];
  if (length === undefined)
    return `digest algorithm "${algorithm}" is not known (${Object.keys(hexLengths).join(", ")})`;
  const hex = text.slice(colon + 1);
  if (hex.length !== length) return `a ${algorithm} digest has ${length} hex digits, not ${hex.length}`;
  if (!/^[0-9a-f]+$/.test(hex)) return "a digest consists of lower-case hex digits";
  return undefined;
}

/** A hash that computes the algorithm of `digest`. */
export function hasherFor(digest: string): Hash {
  return createHash(digest.slice(0, digest.indexOf(":")));
}

export function sha256(data: Uint8Array | string): string {
  return `sha256:${createHash("sha256").update(data).digest("hex")}`;
}

/** Throws DATA_LOSS unless `data` has the digest that was promised for it. */
export function verifyDigest(data: Uint8Array, expected: string, operation: string, object: string): void {
  const algorithm = expected.slice(0, expected.indexOf(":"));
  const actual = `${algorithm}:${hasherFor(expected).update(data).digest("hex")}`;
  if (actual !== expected) throw digestMismatch(operation, object, expected, actual);
}

export function digestMismatch(
  operation: string,
  object: string,
  expected: string,
  actual: string,
): LichenError {
  return new LichenError({
    code: "DATA_LOSS",
    operation,
    object,
    reason: `the content has the digest ${actual}, not ${expected}`,
    hint: "the registry or something on the way changed or damaged the content; pull again, or push the image again",
  });
}

/** The hex digits of a digest: what a layer's directory is called. */
export function hexOf(digest: string): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/**
 * Identifiers of the stacks that layers make, bottom first (image-spec, config.md, "Layer ChainID"):
 * the first is the diff id itself, each further one the SHA-256 of the one below, a space and the diff id.
 */
export function chainIds(diffIds: readonly string[]): string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : sha256(`${below} ${diffId}`));
  }
  return chain;
}
