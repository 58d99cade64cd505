import { LichenError } from "../errors.ts";

/** The message field `field` of a request, which must be there. */
export function required<T>(value: T | null, operation: string, field: string): T {
  if (value !== null) return value;
  throw missing(operation, field);
}

/** The string field `field` of a request, which must not be empty. */
export function requiredText(value: string, operation: string, field: string): string {
  if (value !== "") return value;
  throw missing(operation, field);
}

function missing(operation: string, field: string): LichenError {
  return new LichenError({
    code: "INVALID_ARGUMENT",
    operation,
    object: "",
    reason: `the request has no ${field}`,
  });
}
