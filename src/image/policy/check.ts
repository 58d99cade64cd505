import { readFileSync } from "node:fs";
import * as z from "zod";
import { LichenError } from "../../errors.ts";
import { formatReference, type ImageReference } from "../reference.ts";
import type { ImageSource } from "../source.ts";
import { type AttachedSignature, attachedSignatures } from "./attached.ts";
import { type Policy, parsePolicy, readRequirement, type Signed } from "./document.ts";
import { identityProblem } from "./identity.ts";
import { isSignedBy, keysOf } from "./keys.ts";
import { requirementsOf, requirementsOfArchive } from "./scopes.ts";

// containers-signature(5); cosign's SIGNATURE_SPEC.md, "Payload"
const payloadSchema = z.object({
  critical: z.object({
    type: z.literal("cosign container image signature"),
    image: z.object({ "docker-manifest-digest": z.string() }),
    identity: z.object({ "docker-reference": z.string() }),
  }),
});

/** An image before any of its layers is fetched. */
export interface Candidate {
  reference: ImageReference;
  /** Digests that stand for the image: of the index that led to it, and of its manifest. Content proves each step between them. */
  digests: readonly string[];
}

/**
 * Whether the policy in a file lets an image in. PERMISSION_DENIED, saying what is missing, when it does not: every requirement has to be
 * met. A signature of the index or of the manifest will do. FAILED_PRECONDITION for a policy that is not understood.
 */
export async function admitImage(
  file: string,
  candidate: Candidate,
  source: ImageSource,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { reference } = candidate;
  // All are understood before any is checked.
  const requirements = requirementsOf(readPolicy(file), reference).map((one) => readRequirement(one, file));
  for (const requirement of requirements) {
    if (requirement.type === "reject") throw denied(formatReference(reference), `${file} rejects it`);
    if (requirement.type === "sigstoreSigned")
      await requireSigned(requirement, candidate, source, signal, file);
  }
}

/** Whether the policy lets images of archives in: they carry no signatures, so only as long as none is required. */
export function admitArchive(file: string, transport: "oci-archive" | "docker-archive"): void {
  const requirements = requirementsOfArchive(readPolicy(file), transport);
  const hindrance = requirements
    .map((one) => readRequirement(one, file))
    .find(({ type }) => type !== "insecureAcceptAnything");
  if (hindrance === undefined) return;
  const reason =
    hindrance.type === "reject"
      ? `${file} rejects images from a ${transport}`
      : `${file} requires signatures (${hindrance.type}), which a ${transport} does not have`;
  throw denied("of an archive", reason);
}

function readPolicy(file: string): Policy {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new LichenError({
      code: "FAILED_PRECONDITION",
      operation: "read signature policy",
      object: file,
      reason: String((error as NodeJS.ErrnoException).code),
      hint: "correct images.policy in config.toml",
      cause: error,
    });
  }
  return parsePolicy(text, file);
}

async function requireSigned(
  requirement: Signed,
  { reference, digests }: Candidate,
  source: ImageSource,
  signal: AbortSignal | undefined,
  file: string,
): Promise<void> {
  const keys = await keysOf(requirement);
  const problems: string[] = [];
  for (const digest of new Set(digests)) {
    for (const signature of await attachedSignatures(reference, digest, source, signal)) {
      const problem = isSignedBy(keys, signature.payload, signature.signature)
        ? statementProblem(signature, digest, reference, requirement)
        : "it is by another key";
      if (problem === undefined) return;
      problems.push(problem);
    }
  }
  const found =
    problems.length === 0
      ? "it has none"
      : `none of its ${problems.length} will do: ${[...new Set(problems)].join("; ")}`;
  throw denied(formatReference(reference), `${file} requires a sigstore signature, and ${found}`);
}

/** Why a statement that a key of ours has signed is not one about this image; undefined when it is. */
function statementProblem(
  { payload }: AttachedSignature,
  digest: string,
  reference: ImageReference,
  requirement: Signed,
): string | undefined {
  const result = payloadSchema.safeParse(parsed(payload));
  if (!result.success) return "what it signs is no statement about an image";
  const { image, identity } = result.data.critical;
  const signed = image["docker-manifest-digest"];
  if (signed !== digest) return `it is for another image (${signed})`;
  return identityProblem(requirement.signedIdentity, reference, identity["docker-reference"]);
}

function parsed(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload).toString("utf8"));
  } catch {
    return undefined;
  }
}

function denied(object: string, reason: string): LichenError {
  return new LichenError({
    code: "PERMISSION_DENIED",
    operation: "check signature of image",
    object,
    reason,
    hint: "have the image signed (cosign sign --key), pull another one, or change the policy (containers-policy.json(5))",
  });
}
