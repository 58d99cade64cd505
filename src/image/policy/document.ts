import * as z from "zod";
import { LichenError } from "../../errors.ts";

// containers-policy.json(5). What is not here is refused by name where it matters, never taken for something weaker.
const identity = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("matchExact") }),
  z.strictObject({ type: z.literal("matchRepoDigestOrExact") }),
  z.strictObject({ type: z.literal("matchRepository") }),
  z.strictObject({ type: z.literal("exactReference"), dockerReference: z.string() }),
  z.strictObject({ type: z.literal("exactRepository"), dockerRepository: z.string() }),
]);

const requirement = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("insecureAcceptAnything") }),
  z.strictObject({ type: z.literal("reject") }),
  z.strictObject({
    type: z.literal("sigstoreSigned"),
    keyPath: z.string().optional(),
    keyPaths: z.array(z.string()).min(1).optional(),
    keyData: z.string().optional(),
    keyDatas: z.array(z.string()).min(1).optional(),
    signedIdentity: identity.default({ type: "matchRepoDigestOrExact" }),
  }),
]);

const requirements = z.array(z.looseObject({ type: z.string() })).min(1);

const policy = z.strictObject({
  default: requirements,
  transports: z.record(z.string(), z.record(z.string(), requirements)).default({}),
});

export type Policy = z.infer<typeof policy>;
/** A requirement as it is written: what an image does not come under need not be understood. */
export type WrittenRequirement = Policy["default"][number];
export type Requirement = z.infer<typeof requirement>;
export type Signed = Extract<Requirement, { type: "sigstoreSigned" }>;
export type SignedIdentity = z.infer<typeof identity>;

/** Kinds of requirements that the format has and that are not built. */
const knownElsewhere = ["signedBy", "signedBaseLayer"];

/** Reads the text of a policy.json; `file` is for messages. FAILED_PRECONDITION, with the place, for what is no policy. */
export function parsePolicy(text: string, file: string): Policy {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw invalid(file, `it is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  return checked(policy, document, file);
}

/** Understands a requirement. FAILED_PRECONDITION, by name, for a kind or a member that is not built: it might be a stricter one. */
export function readRequirement(written: WrittenRequirement, file: string): Requirement {
  const read = checked(requirement, written, file);
  if (read.type !== "sigstoreSigned") return read;
  const sources = [read.keyPath, read.keyPaths, read.keyData, read.keyDatas].filter(
    (one) => one !== undefined,
  );
  if (sources.length === 1) return read;
  throw invalid(file, "sigstoreSigned needs exactly one of keyPath, keyPaths, keyData and keyDatas");
}

function checked<T>(schema: z.ZodType<T>, document: unknown, file: string): T {
  const result = schema.safeParse(document);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue?.path.join(".") ?? "";
  throw invalid(file, `${where === "" ? "" : `${where}: `}${problem(issue, document)}`);
}

function problem(issue: z.core.$ZodIssue | undefined, document: unknown): string {
  if (issue === undefined) return "malformed";
  if (issue.code === "unrecognized_keys") return `${issue.keys.join(", ")}: not supported`;
  if (issue.code !== "invalid_union") return issue.message;
  const value = issue.path.reduce<unknown>(
    (at, part) => (at as Record<PropertyKey, unknown>)?.[part],
    document,
  );
  const allowed = issue.path.includes("signedIdentity")
    ? "matchExact, matchRepoDigestOrExact, matchRepository, exactReference, exactRepository"
    : "insecureAcceptAnything, reject, sigstoreSigned";
  const known = typeof value === "string" && knownElsewhere.includes(value);
  return `${JSON.stringify(value)} is ${known ? "a requirement that lichen cannot check" : "not known"}; one of ${allowed}`;
}

function invalid(file: string, reason: string): LichenError {
  return new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "read signature policy",
    object: file,
    reason,
    hint: "correct the file (containers-policy.json(5)), or name another one as images.policy in config.toml",
  });
}
