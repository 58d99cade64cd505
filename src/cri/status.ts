import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { asLichenError, type Code, explain } from "../errors.ts";
import { nativeCode } from "../native/failure.ts";

/** The one place where an error code becomes a gRPC status: https://grpc.io/docs/guides/status-codes/ */
const statuses: Record<Code, status> = {
  INVALID_ARGUMENT: status.INVALID_ARGUMENT,
  NOT_FOUND: status.NOT_FOUND,
  ALREADY_EXISTS: status.ALREADY_EXISTS,
  FAILED_PRECONDITION: status.FAILED_PRECONDITION,
  RESOURCE_EXHAUSTED: status.RESOURCE_EXHAUSTED,
  PERMISSION_DENIED: status.PERMISSION_DENIED,
  UNAUTHENTICATED: status.UNAUTHENTICATED,
  UNAVAILABLE: status.UNAVAILABLE,
  UNIMPLEMENTED: status.UNIMPLEMENTED,
  DEADLINE_EXCEEDED: status.DEADLINE_EXCEEDED,
  CANCELLED: status.CANCELLED,
  DATA_LOSS: status.DATA_LOSS,
  INTERNAL: status.INTERNAL,
};

/** Words that a kubelet looks for at the beginning of a message (k8s.io/cri-api/pkg/errors), by what failed. */
const kubeletWords: Record<string, string> = {
  "mount image volume": "ImageVolumeMountFailed",
  "check signature of image": "SignatureValidationFailed",
};

function kubeletWord(error: unknown): string | undefined {
  if (nativeCode(error) === "IMAGE_PATH_MISSING") return kubeletWords["mount image volume"];
  for (let at = error; typeof at === "object" && at !== null; at = (at as { cause?: unknown }).cause) {
    const word = kubeletWords[String((at as { operation?: unknown }).operation)];
    if (word !== undefined) return word;
  }
  return undefined;
}

/** Metadata with the hint alone, for clients that show it on a line of its own; as bytes, since texts of headers are ASCII. */
const hintKey = "lichen-hint-bin";

/** What grpc-js sends for `error`: `operation object: reason (hint)`, after a kubelet's word where it has one. */
export function toServiceError(error: unknown): ServiceError {
  const failure = asLichenError(error);
  const word = kubeletWord(error);
  const details = word === undefined ? explain(failure) : `${word}: ${explain(failure)}`;
  const metadata = new Metadata();
  if (failure.hint !== undefined) metadata.set(hintKey, Buffer.from(failure.hint));
  return Object.assign(new Error(details), { code: statuses[failure.code], details, metadata });
}
