import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { LichenError } from "../../errors.ts";
import {
  type AuthFile,
  authFilesOf,
  helperFor,
  hostOf,
  normalKey,
  readAuthFile,
  serverNames,
} from "./auth-files.ts";
import { CredentialHelper, type HelperOptions } from "./credential-helper.ts";

/** Where a login was kept: a file, and the program that has the secret when it is not in the file. */
export interface Kept {
  file: string;
  helper?: string;
}

interface Login {
  /** "host[:port]", or with a path for what lies below it only. */
  place: string;
  username: string;
  password: string;
}

/**
 * Keeps a login where lichen, podman and docker find it: with the helper that one of the files has for the host, else in
 * the first file that exists. Other members of the file stay as they are.
 */
export async function keepLogin(
  login: Login,
  files: readonly string[],
  options: HelperOptions,
): Promise<Kept> {
  const host = hostOf(login.place);
  const file = fileToWrite(host, files, options.environment);
  const content = readAuthFile(file) ?? {};
  // Helpers know hosts only.
  const helper = login.place === host ? helperOf(host, content) : undefined;
  const entries = { ...content.auths };
  const key = Object.keys(entries).find((one) => normalKey(one) === login.place) ?? keyFor(login.place, file);
  if (helper === undefined) {
    const auth = Buffer.from(`${login.username}:${login.password}`).toString("base64");
    write(file, { ...content, auths: { ...entries, [key]: { auth } } });
    return { file };
  }
  const program = new CredentialHelper(helper, options);
  await program.store(serverNames(host)[0] ?? host, login.username, login.password);
  // As docker does: that there is a login, without its secret; an old one in the file would be found first.
  write(file, { ...content, auths: { ...entries, [key]: {} } });
  return { file, helper: program.program };
}

/** Removes what the files and their helpers have for a place; returns where something was. */
export async function forgetLogin(
  place: string,
  files: readonly string[],
  options: HelperOptions,
): Promise<Kept[]> {
  const forgotten: Kept[] = [];
  for (const file of files) {
    const content = readAuthFile(file);
    if (content === undefined) continue;
    const helper = place === hostOf(place) ? helperOf(place, content) : undefined;
    const erased =
      helper === undefined ? undefined : await erase(place, new CredentialHelper(helper, options));
    const all = Object.entries(content.auths ?? {});
    const left = all.filter(([key]) => normalKey(key) !== place);
    if (left.length < all.length) write(file, { ...content, auths: Object.fromEntries(left) });
    if (erased !== undefined) forgotten.push({ file, helper: erased });
    else if (left.length < all.length) forgotten.push({ file });
  }
  return forgotten;
}

/** The places that the files have a login for. */
export function loginPlaces(files: readonly string[]): string[] {
  const contents = files.map((file) => readAuthFile(file) ?? {});
  const keys = contents.flatMap(({ auths, credHelpers }) => [
    ...Object.keys(auths ?? {}),
    ...Object.keys(credHelpers ?? {}),
  ]);
  return [...new Set(keys.map(normalKey))].sort();
}

/** The program's name if it had something. */
async function erase(host: string, helper: CredentialHelper): Promise<string | undefined> {
  let had = false;
  for (const server of serverNames(host)) {
    if ((await helper.get(server)) === undefined) continue;
    await helper.erase(server);
    had = true;
  }
  return had ? helper.program : undefined;
}

function helperOf(host: string, content: AuthFile): string | undefined {
  return helperFor(host, content.credHelpers ?? {}) ?? (content.credsStore || undefined);
}

function fileToWrite(host: string, files: readonly string[], environment: NodeJS.ProcessEnv): string {
  const present = files.filter((file) => existsSync(file));
  const withHelper = present.find(
    (file) => helperFor(host, readAuthFile(file)?.credHelpers ?? {}) !== undefined,
  );
  // A new file goes where it outlives a reboot.
  const lasting = files.find((file) => dirname(dirname(file)) !== environment.XDG_RUNTIME_DIR);
  const file = withHelper ?? present[0] ?? (environment.DOCKER_CONFIG ? files.at(-1) : lasting) ?? files[0];
  return file ?? authFilesOf(environment)[0] ?? "";
}

/** Docker's file has its own name for Docker Hub. */
function keyFor(place: string, file: string): string {
  return place === "docker.io" && basename(file) === "config.json" ? (serverNames(place)[0] ?? place) : place;
}

/** Whole or not at all, for nobody else to read; where the file is a link, what it leads to is replaced. */
function write(file: string, content: AuthFile): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const target = existsSync(file) ? realpathSync(file) : file;
    const fresh = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString("hex")}`);
    try {
      const fd = openSync(fresh, "wx", 0o600);
      try {
        writeSync(fd, `${JSON.stringify(content, null, "\t")}\n`);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(fresh, target);
    } catch (error) {
      rmSync(fresh, { force: true });
      throw error;
    }
  } catch (error) {
    throw new LichenError({
      code: "PERMISSION_DENIED",
      operation: "write credentials",
      object: file,
      reason: error instanceof Error ? error.message : String(error),
      hint: "name another file with --authfile, or in REGISTRY_AUTH_FILE",
      cause: error,
    });
  }
}
