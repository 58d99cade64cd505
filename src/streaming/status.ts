import { asLichenError, explain } from "../errors.ts";

/** The part of a Kubernetes `metav1.Status` that remotecommand's error stream carries (protocol v4 and later). */
export interface StreamStatus {
  metadata: Record<string, never>;
  status: "Success" | "Failure";
  message?: string;
  reason?: string;
  details?: { causes: { reason?: string; message: string }[] };
  code?: number;
}

/** How a command with this exit code ended. Clients read the code from the cause. */
export function exitStatus(exitCode: number): StreamStatus {
  if (exitCode === 0) return { metadata: {}, status: "Success" };
  return {
    metadata: {},
    status: "Failure",
    reason: "NonZeroExitCode",
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    details: { causes: [{ reason: "ExitCode", message: String(exitCode) }] },
  };
}

/** What could not be done at all; `doing` as in "executing command in container". */
export function failureStatus(doing: string, error: unknown): StreamStatus {
  const message = `error ${doing}: ${explain(error)}`;
  const { code } = asLichenError(error);
  return {
    metadata: {},
    status: "Failure",
    reason: "InternalError",
    code: 500,
    message: `Internal error occurred: ${message}`,
    details: { causes: [{ reason: code, message }] },
  };
}
