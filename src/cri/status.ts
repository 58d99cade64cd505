import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { asLichenError, type Code } from "../errors.ts";

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

/** What grpc-js sends for `error`: `operation object: reason (hint)`. */
export function toServiceError(error: unknown): ServiceError {
  const failure = asLichenError(error);
  const details = failure.hint === undefined ? failure.message : `${failure.message} (${failure.hint})`;
  return Object.assign(new Error(details), {
    code: statuses[failure.code],
    details,
    metadata: new Metadata(),
  });
}
