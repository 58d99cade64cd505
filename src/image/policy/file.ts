import { statSync } from "node:fs";

/** Where the signature policy is. */
export interface PolicyFiles {
  /** The first that is there counts; it is read at every pull. */
  files: readonly string[];
  /** Whether one has to be there: without any and without this there is no policy, and everything may come in. */
  required: boolean;
}

/** The policy's file, or undefined when there is no policy. One that cannot be looked at is one, and fails when it is read. */
export function policyFile(policy: PolicyFiles | undefined): string | undefined {
  if (policy === undefined) return undefined;
  return policy.files.find(mayBeThere) ?? (policy.required ? policy.files[0] : undefined);
}

function mayBeThere(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ENOTDIR";
  }
}
