import { LichenError } from "../../errors.ts";

/** An entry (its name a byte string) breaks a rule. */
export function refusal(entry: string, reason: string): LichenError {
  return new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "unpack entry",
    object: JSON.stringify(Buffer.from(entry.slice(0, 300), "latin1").toString("utf8")),
    reason,
    hint: "the image is broken or hostile; nothing of it was kept",
  });
}
