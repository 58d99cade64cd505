import { readdirSync, readFileSync } from "node:fs";

/** What `read` gives, or `otherwise` when that cannot be looked at: processes and directories end while they are. */
export function quietly<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

/** Names in a directory; none when it is not there. */
export const entries = (directory: string): string[] => quietly(() => readdirSync(directory), []);

/** The text of a file; "" when it is not there. */
export const text = (file: string): string => quietly(() => readFileSync(file, "utf8"), "");
