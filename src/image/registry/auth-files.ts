import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { LichenError } from "../../errors.ts";
import { CredentialHelper, type HelperOptions } from "./credential-helper.ts";
import { type Credentials, credentialsOf } from "./credentials.ts";

const text = z.string().nullish();

/** Docker's config.json and podman's auth.json (containers-auth.json(5)); both have further members. */
const fileSchema = z.looseObject({
  auths: z
    .record(
      z.string(),
      z.looseObject({
        auth: text,
        username: text,
        password: text,
        identitytoken: text,
        registrytoken: text,
      }),
    )
    .nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: text,
});

export type AuthFile = z.infer<typeof fileSchema>;

/** What a helper knows Docker Hub's credentials by, beside its plain name. */
const hubServer = "https://index.docker.io/v1/";

export interface FoundCredentials {
  credentials: Credentials;
  /** The file or program they come from, for messages. */
  source: string;
}

/**
 * Where credentials are looked for, in this order: `$REGISTRY_AUTH_FILE` and nowhere else, when it is set; else podman's
 * files below `$XDG_RUNTIME_DIR` and `$XDG_CONFIG_HOME`, then Docker's (containers-auth.json(5)).
 */
export function authFilesOf(environment: NodeJS.ProcessEnv): string[] {
  const { REGISTRY_AUTH_FILE: only, XDG_RUNTIME_DIR: runtime, DOCKER_CONFIG: docker } = environment;
  if (only) return [only];
  const home = environment.HOME || homedir();
  const configuration = environment.XDG_CONFIG_HOME || join(home, ".config");
  return [
    ...(runtime ? [join(runtime, "containers/auth.json")] : []),
    join(configuration, "containers/auth.json"),
    join(docker || join(home, ".docker"), "config.json"),
  ];
}

/**
 * The credentials that the files have for a repository ("host[:port]/path"): by entries for the repository itself, for
 * one of the paths above it, the longest first, or for the host; or by the helper that a file names. FAILED_PRECONDITION
 * for a file that cannot be read and for a helper that fails.
 */
export async function findCredentials(
  repository: string,
  files: readonly string[],
  options: HelperOptions,
): Promise<FoundCredentials | undefined> {
  for (const file of files) {
    const content = readAuthFile(file);
    const found = content === undefined ? undefined : await search(repository, file, content, options);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function search(
  repository: string,
  file: string,
  content: AuthFile,
  options: HelperOptions,
): Promise<FoundCredentials | undefined> {
  const host = hostOf(repository);
  const own = helperFor(host, content.credHelpers ?? {});
  if (own !== undefined) return ask(own, host, options);
  for (let path = repository; ; path = path.slice(0, path.lastIndexOf("/"))) {
    const found = entryFor(path, file, content);
    if (found !== undefined) return found;
    if (path === host) break;
  }
  return content.credsStore ? ask(content.credsStore, host, options) : undefined;
}

function entryFor(path: string, file: string, content: AuthFile): FoundCredentials | undefined {
  for (const [key, entry] of Object.entries(content.auths ?? {})) {
    if (normalKey(key) !== path) continue;
    const { auth, username, password, identitytoken, registrytoken } = entry;
    try {
      const credentials = credentialsOf({
        auth: auth ?? "",
        username: username ?? "",
        password: password ?? "",
        identityToken: identitytoken ?? "",
        registryToken: registrytoken ?? "",
      });
      if (credentials !== undefined) return { credentials, source: file };
    } catch (error) {
      throw unusable(file, `auths."${key}": ${error instanceof LichenError ? error.reason : String(error)}`);
    }
  }
  return undefined;
}

async function ask(
  name: string,
  host: string,
  options: HelperOptions,
): Promise<FoundCredentials | undefined> {
  const helper = new CredentialHelper(name, options);
  for (const server of serverNames(host)) {
    const credentials = await helper.get(server);
    if (credentials !== undefined) return { credentials, source: helper.program };
  }
  return undefined;
}

/** The names under which helpers may know a registry; the first is the one to store it under. */
export function serverNames(host: string): string[] {
  return host === "docker.io" ? [hubServer, host] : [host];
}

export function helperFor(host: string, helpers: Readonly<Record<string, string>>): string | undefined {
  return Object.entries(helpers).find(([key, name]) => name !== "" && normalKey(key) === host)?.[1];
}

/** "https://index.docker.io/v1/" and "docker.io" are one; with a scheme, only the host counts. */
export function normalKey(key: string): string {
  const bare = key.replace(/^https?:\/\//, "");
  const path = bare === key ? bare.replace(/\/+$/, "") : hostOf(bare);
  return path.replace(/\/v[12]$/, "").replace(/^(index|registry-1)\.docker\.io(?=\/|$)/, "docker.io");
}

export function hostOf(repository: string): string {
  return repository.split("/", 1)[0] ?? "";
}

/** The content of a file of credentials; undefined when there is none. */
export function readAuthFile(file: string): AuthFile | undefined {
  let content: unknown;
  try {
    const read = readFileSync(file, "utf8");
    // An empty file is what `touch` makes of it for podman.
    content = read.trim() === "" ? {} : JSON.parse(read);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    // The parser's own words may quote what is in the file.
    throw unusable(file, error instanceof SyntaxError ? "it is no JSON" : String((error as Error).message));
  }
  const result = fileSchema.safeParse(content);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw unusable(file, [issue?.path.join("."), issue?.message].filter(Boolean).join(": "));
}

function unusable(file: string, reason: string): LichenError {
  return new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "read credentials",
    object: file,
    reason,
    hint: "correct the file, or remove it and `lichen login` again",
  });
}
