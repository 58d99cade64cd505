/** A record as JSON; times (bigint nanoseconds, beyond what a JSON number holds exactly) become decimal strings. */
export function encodeRecord(record: object): string {
  return JSON.stringify(record, (_key, value) => (typeof value === "bigint" ? value.toString() : value));
}

/** The inverse of encodeRecord; `times` names the record's members that are bigint. */
export function decodeRecord<T>(json: string, times: readonly (keyof T & string)[]): T {
  const record = JSON.parse(json) as Record<string, unknown>;
  for (const member of times) record[member] = BigInt(String(record[member]));
  return record as T;
}
