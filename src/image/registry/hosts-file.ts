import { readdirSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { createSecureContext } from "node:tls";
import { parse, TomlError } from "smol-toml";
import * as z from "zod";
import { LichenError } from "../../errors.ts";
import type { ClientCertificate, TlsSettings } from "./tls.ts";

const capability = z
  .string()
  .transform((text) => text.toLowerCase())
  .pipe(z.enum(["pull", "resolve", "push", "referrers"]));

const hostFields = {
  capabilities: z.array(capability).optional(),
  ca: z.union([z.string(), z.array(z.string())]).optional(),
  client: z
    .union([z.string(), z.array(z.union([z.string(), z.tuple([z.string(), z.string()])]))], {
      error: 'a file, a list of files, or a list of ["certificate", "key"] pairs',
    })
    .optional(),
  skip_verify: z.boolean().optional(),
  override_path: z.boolean().optional(),
  header: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
  dial_timeout: z.string().optional(),
};

const hostsSchema = z.strictObject({
  server: z.string().optional(),
  ...hostFields,
  host: z.record(z.string(), z.strictObject(hostFields)).optional(),
});

type Fields = z.infer<z.ZodObject<typeof hostFields>>;

/** One table of a hosts.toml, its certificates read. */
export interface HostTable extends TlsSettings {
  /** Without a scheme that of https is meant; undefined: the registry's usual address. */
  address: string | undefined;
  /** undefined: everything. */
  capabilities: string[] | undefined;
  overridePath: boolean;
  headers: Record<string, string | string[]>;
  connectMs: number | undefined;
  /** Whether anything was said about TLS. */
  securityGiven: boolean;
}

export interface HostsConfiguration {
  /** The file or directory it comes from. */
  source: string;
  mirrors: HostTable[];
  server: HostTable;
}

/**
 * Where other programs of this machine keep their mirrors and certificates, in the same forms: podman for this user,
 * containerd, docker and podman for everybody.
 */
export function sharedCertsDirectories(environment: NodeJS.ProcessEnv): string[] {
  const configuration = environment.XDG_CONFIG_HOME || join(environment.HOME || homedir(), ".config");
  return [
    join(configuration, "containers/certs.d"),
    "/etc/containerd/certs.d",
    "/etc/docker/certs.d",
    "/etc/containers/certs.d",
  ];
}

/**
 * What the first of `directories` that knows `registry` says about it. A directory knows a registry by a folder
 * "host_port_", "host:port" or "host", else "_default" (containerd, docs/hosts.md). The folder holds a hosts.toml, or,
 * as Docker has it, *.crt (authorities) and *.cert with *.key (client certificates). Relative paths in the file start
 * there. FAILED_PRECONDITION naming file and key for what is malformed or cannot be read.
 */
export function readHostsConfiguration(
  registry: string,
  directories: readonly string[],
): HostsConfiguration | undefined {
  const folder = findFolder(registry, directories);
  if (folder === undefined) return undefined;
  const file = join(folder, "hosts.toml");
  const filled = (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0;
  return filled ? readHostsFile(folder, file) : readCertificateFiles(folder);
}

function findFolder(registry: string, directories: readonly string[]): string | undefined {
  const names = new Set([registry.replace(/:(\d+)$/, "_$1_"), registry, "_default"]);
  for (const directory of directories)
    for (const name of names) {
      const folder = join(directory, name);
      if (isFolder(folder)) return folder;
    }
  return undefined;
}

/** Where others keep their settings need not be for us to look at; what is behind a closed door counts as not there. */
function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function readHostsFile(folder: string, file: string): HostsConfiguration {
  const { host, server, ...fields } = parseHostsFile(file);
  const table = (address: string | undefined, of: Fields) => readTable(address, of, folder, file);
  return {
    source: file,
    mirrors: Object.entries(host ?? {}).map(([address, of]) => table(address, of)),
    server: table(server, fields),
  };
}

function parseHostsFile(file: string): z.infer<typeof hostsSchema> {
  let document: unknown;
  try {
    document = parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw refusal(file, error instanceof TomlError ? (error.message.split("\n", 1)[0] ?? "") : words(error));
  }
  const result = hostsSchema.safeParse(document);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw refusal(file, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "malformed"}`);
}

function readTable(address: string | undefined, fields: Fields, folder: string, file: string): HostTable {
  // A string is a file that holds certificate and key.
  const pairs = [fields.client ?? []].flat(1).map((one) => (typeof one === "string" ? [one, one] : one));
  const authorities = [fields.ca ?? []].flat();
  return {
    address,
    capabilities: fields.capabilities?.length ? fields.capabilities : undefined,
    overridePath: fields.override_path ?? false,
    headers: fields.header ?? {},
    connectMs: fields.dial_timeout === undefined ? undefined : durationMs(fields.dial_timeout, file),
    skipVerify: fields.skip_verify ?? false,
    authorities: authorities.map((name) => readAuthority(resolve(folder, name), file)),
    clientCertificates: pairs.map(([certificate = "", key = ""]) =>
      readClientCertificate(resolve(folder, certificate), resolve(folder, key || certificate), file),
    ),
    securityGiven: fields.ca !== undefined || fields.client !== undefined || fields.skip_verify !== undefined,
  };
}

/** Docker's layout of certificates: https://docs.docker.com/engine/security/certificates/ */
function readCertificateFiles(folder: string): HostsConfiguration {
  const names = readdirSync(folder).sort();
  const authorities = names.filter((name) => name.endsWith(".crt"));
  const client = names
    .filter((name) => name.endsWith(".cert"))
    .map((name): [string, string] => {
      const key = name.replace(/cert$/, "key");
      return [name, names.includes(key) ? key : ""];
    });
  const fields: Fields = {
    ...(authorities.length > 0 ? { ca: authorities } : {}),
    ...(client.length > 0 ? { client } : {}),
  };
  return { source: folder, mirrors: [], server: readTable(undefined, fields, folder, folder) };
}

function readAuthority(path: string, source: string): string {
  const text = readPem(path, source, "ca");
  if (!text.includes("-----BEGIN CERTIFICATE-----"))
    throw refusal(source, `ca: ${path} holds no certificate`);
  return checked(source, `ca: ${path}`, text, () => createSecureContext({ ca: text }));
}

function readClientCertificate(certificate: string, key: string, source: string): ClientCertificate {
  const pair = { certificate: readPem(certificate, source, "client"), key: readPem(key, source, "client") };
  const use = () => createSecureContext({ cert: pair.certificate, key: pair.key });
  return checked(source, `client: ${certificate}${key === certificate ? "" : ` and ${key}`}`, pair, use);
}

function readPem(path: string, source: string, key: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw refusal(source, `${key}: ${words(error)}`);
  }
}

function checked<T>(source: string, what: string, value: T, use: () => unknown): T {
  try {
    use();
    return value;
  } catch (error) {
    throw refusal(source, `${what} cannot be used: ${words(error)}`);
  }
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Go's durations: "1s", "1m30s". */
function durationMs(text: string, file: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/gy)];
  const read = parts.reduce((length, [part]) => length + part.length, 0);
  const total = parts.reduce((sum, [, number, unit = ""]) => sum + Number(number) * (unitsMs[unit] ?? 0), 0);
  if (read !== text.length || total <= 0)
    throw refusal(file, `dial_timeout: "${text}" is no duration such as "5s"`);
  return total;
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The file is wrong; nothing was asked of a registry yet. */
export function refusal(source: string, reason: string): LichenError {
  return new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "read registry hosts",
    object: source,
    reason,
    hint: 'known keys: server, and there or in [host."URL"]: capabilities (pull, resolve, push, referrers), ca, client, skip_verify, override_path, header, dial_timeout',
  });
}
