/** Stable error codes; the gRPC status each becomes is decided in one place, src/cri/status.ts. */
export type Code =
  | "INVALID_ARGUMENT"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "FAILED_PRECONDITION"
  | "RESOURCE_EXHAUSTED"
  | "PERMISSION_DENIED"
  | "UNAUTHENTICATED"
  | "UNAVAILABLE"
  | "UNIMPLEMENTED"
  | "DEADLINE_EXCEEDED"
  | "CANCELLED"
  | "DATA_LOSS"
  | "INTERNAL";

export interface ErrorFields {
  code: Code;
  /** What was being done: `pull image`, `mount_setattr`. */
  operation: string;
  /** What it was done to: a reference, an id, a path. */
  object: string;
  /** Why it did not work, without a trailing full stop. */
  reason: string;
  /** What a person can do about it. */
  hint?: string;
  cause?: unknown;
}

/** The one error form of lichen: `operation object: reason`, with a stable code and a hint that a person can act on. */
export class LichenError extends Error {
  readonly code: Code;
  readonly operation: string;
  readonly object: string;
  readonly reason: string;
  readonly hint: string | undefined;

  constructor(fields: ErrorFields) {
    const object = fields.object === "" ? "" : ` ${fields.object}`;
    super(
      `${fields.operation}${object}: ${fields.reason}`,
      fields.cause === undefined ? {} : { cause: fields.cause },
    );
    this.name = "LichenError";
    this.code = fields.code;
    this.operation = fields.operation;
    this.object = fields.object;
    this.reason = fields.reason;
    this.hint = fields.hint;
  }
}

/** The same failure seen from one layer up; code and hint are kept. Anything that is no LichenError becomes INTERNAL. */
export function within(operation: string, object: string, error: unknown): LichenError {
  const inner = asLichenError(error);
  return new LichenError({
    code: inner.code,
    operation,
    object,
    reason: inner.message,
    ...(inner.hint === undefined ? {} : { hint: inner.hint }),
    cause: inner,
  });
}

/** An error in one line, with its hint in parentheses: for where there is room for one text alone. */
export function explain(error: unknown): string {
  const { message, hint } = asLichenError(error);
  return hint === undefined ? message : `${message} (${hint})`;
}

export function asLichenError(error: unknown): LichenError {
  if (error instanceof LichenError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new LichenError({ code: "INTERNAL", operation: "internal", object: "", reason, cause: error });
}
