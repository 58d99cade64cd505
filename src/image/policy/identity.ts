import { type ImageReference, parseReference, repositoryName } from "../reference.ts";
import type { SignedIdentity } from "./document.ts";

/**
 * Why the name that a signature is for does not fit the image that was asked for; undefined when it does
 * (containers-policy.json(5), "signedIdentity"). `signed` is the payload's docker-reference.
 */
export function identityProblem(
  identity: SignedIdentity,
  wanted: ImageReference,
  signed: string,
): string | undefined {
  const of = read(signed);
  if (of === undefined) return `it is for ${JSON.stringify(signed)}, which is no name of an image`;
  const expected = fits(identity, wanted, of);
  return expected === undefined ? undefined : `it is for ${signed}, and ${identity.type} wants ${expected}`;
}

/** What was expected instead, or undefined when it fits. */
function fits(identity: SignedIdentity, wanted: ImageReference, signed: ImageReference): string | undefined {
  const unless = (good: boolean, expected: string) => (good ? undefined : expected);
  switch (identity.type) {
    case "matchRepository":
      return unless(repositoryName(signed) === repositoryName(wanted), repositoryName(wanted));
    case "matchExact":
      return unless(exact(signed) === exact(wanted), exact(wanted) ?? "");
    case "matchRepoDigestOrExact":
      if (wanted.digest !== undefined)
        return unless(repositoryName(signed) === repositoryName(wanted), repositoryName(wanted));
      return unless(exact(signed) === exact(wanted), exact(wanted) ?? "");
    case "exactReference": {
      const named = read(identity.dockerReference);
      return unless(named !== undefined && exact(signed) === exact(named), identity.dockerReference);
    }
    case "exactRepository": {
      const named = read(identity.dockerRepository);
      return unless(
        named !== undefined && repositoryName(signed) === repositoryName(named),
        identity.dockerRepository,
      );
    }
  }
}

/** As written, without the "latest" that a pull would add: a signature for a repository is none for one of its tags. */
function read(text: string): ImageReference | undefined {
  try {
    const reference = parseReference(text);
    const named = text.includes("@") || /:[^/]*$/.test(text);
    if (named) return reference;
    const { registry, repository } = reference;
    return { registry, repository };
  } catch {
    return undefined;
  }
}

/** The whole name; of two names without tag and digest none is exact. */
function exact(reference: ImageReference): string {
  const { tag, digest } = reference;
  return `${repositoryName(reference)}${digest === undefined ? `:${tag ?? "(any tag)"}` : `@${digest}`}`;
}
