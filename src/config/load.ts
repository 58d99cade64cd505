import { readFileSync } from "node:fs";
import { parse, TomlError } from "smol-toml";
import type * as z from "zod/mini";
import { LichenError } from "../errors.ts";
import { type Config, configSchema } from "./schema.ts";

export type { Config } from "./schema.ts";

/**
 * Reads the configuration. A file that nobody named and that does not exist is an empty one; every other failure is a
 * LichenError that lists each wrong key with its value and what is allowed.
 */
export function loadConfig(file: string, options: { required: boolean }): Config {
  let text = "";
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    if (options.required || !missing) {
      throw new LichenError({
        code: missing ? "NOT_FOUND" : "PERMISSION_DENIED",
        operation: "read configuration",
        object: file,
        reason: missing ? "no such file" : String((error as Error).message),
        hint: "give the path of a readable file with --config, or leave it away for the defaults",
        cause: error,
      });
    }
  }
  return parseConfig(text, file);
}

/** The configuration that `text` holds; `file` is for messages. */
export function parseConfig(text: string, file: string): Config {
  const document = parseToml(text, file);
  const result = configSchema.safeParse(document);
  if (result.success) return result.data;
  throw invalid(file, result.error.issues.flatMap((issue) => explain(issue, document)).join("; "));
}

function parseToml(text: string, file: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The first line says what is wrong; the rest draws the place.
    const [what] = error.message.split("\n");
    throw invalid(file, `line ${error.line}, column ${error.column}: ${what?.toLowerCase()}`, error);
  }
}

function explain(issue: z.core.$ZodIssue, document: unknown): string[] {
  const key = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    const allowed = keysAt(issue.path).join(", ");
    return issue.keys.map((name) => `${[...key, name].join(".")}: unknown key; known here: ${allowed}`);
  }
  const value = issue.path.reduce<unknown>(
    (at, part) => (at as Record<PropertyKey, unknown>)[part],
    document,
  );
  return [`${key.join(".")} = ${JSON.stringify(value)}: must be ${allowedBy(issue)}`];
}

function allowedBy(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type" && issue.expected === "object") {
    return `a table with ${keysAt(issue.path).join(", ")}`;
  }
  return issue.message;
}

/** Known keys of the table at `path`; tables are at most one level deep. */
function keysAt(path: PropertyKey[]): string[] {
  const tables = configSchema.shape;
  const [name] = path;
  if (name === undefined) return Object.keys(tables);
  const { shape } = tables[name as keyof typeof tables].def.innerType;
  const [, inner = ""] = path.map(String);
  const nested = shape[inner as keyof typeof shape] as
    | { def?: { innerType?: { shape?: object } } }
    | undefined;
  return Object.keys(nested?.def?.innerType?.shape ?? shape);
}

function invalid(file: string, reason: string, cause?: unknown): LichenError {
  return new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "read configuration",
    object: file,
    reason,
    hint: "correct the file, or start with another one by --config",
    cause,
  });
}
