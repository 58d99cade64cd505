import { type ImageReference, repositoryName } from "../reference.ts";
import type { Policy, WrittenRequirement } from "./document.ts";

/** What a policy requires of an image from a registry: the entry of its longest matching scope, else the default. */
export function requirementsOf(policy: Policy, reference: ImageReference): readonly WrittenRequirement[] {
  const scopes = policy.transports.docker ?? {};
  const scope = scopesOf(reference).find((one) => Object.hasOwn(scopes, one));
  return (scope === undefined ? undefined : scopes[scope]) ?? policy.default;
}

/** What a policy requires of archives: the transport's entry for all of them, else the default. */
export function requirementsOfArchive(
  policy: Policy,
  transport: "oci-archive" | "docker-archive",
): readonly WrittenRequirement[] {
  return policy.transports[transport]?.[""] ?? policy.default;
}

/**
 * The scopes that an image is in, the most specific first (containers-policy.json(5), "docker:"): the reference, its repository,
 * the paths above, the host, "*." with each of the host's parents, and "" for all.
 */
export function scopesOf(reference: ImageReference): string[] {
  const repository = repositoryName(reference);
  const exact =
    reference.digest === undefined ? `${repository}:${reference.tag}` : `${repository}@${reference.digest}`;
  const parts = repository.split("/");
  const above = parts.map((_, dropped) => parts.slice(0, parts.length - dropped).join("/"));
  const labels = reference.registry.replace(/:\d+$/, "").split(".");
  const wildcards = labels.slice(1).map((_, at) => `*.${labels.slice(at + 1).join(".")}`);
  return [exact, ...above, ...wildcards, ""];
}
