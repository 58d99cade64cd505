import { existsSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { dirname, join, resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import * as z from "zod";
import { LichenError } from "../../errors.ts";

/** One address under which a registry's content is to be had. Plain data: it travels to the workers. */
export interface Endpoint {
  /** Base of all requests, with the API's path: "https://host:port/v2". */
  url: string;
  /** true: the registry itself, not a mirror; credentials without a server address go there only. */
  origin: boolean;
  /** May names (tags) be looked up here, and may content be fetched by digest? */
  capabilities: { resolve: boolean; pull: boolean };
  skipVerify: boolean;
  /** PEM texts of the certificate authorities to trust, in place of the system's. */
  authorities: string[];
  headers: Record<string, string>;
}

export interface HostsOptions {
  certsDirectories: readonly string[];
  plainHttpHosts: readonly string[];
}

const hostFields = {
  capabilities: z.array(z.enum(["pull", "resolve", "push"])).optional(),
  ca: z.union([z.string(), z.array(z.string())]).optional(),
  skip_verify: z.boolean().optional(),
  override_path: z.boolean().optional(),
  header: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
};

const hostsSchema = z.strictObject({
  server: z.string().optional(),
  ...hostFields,
  host: z.record(z.string(), z.strictObject(hostFields)).optional(),
});

type HostTable = z.infer<z.ZodObject<typeof hostFields>>;

/**
 * The addresses of `registry` in the order to try: the mirrors of its hosts.toml (containerd's form: server, and
 * [host."URL"] tables with capabilities, ca, skip_verify, override_path, header), then the registry itself.
 * Throws FAILED_PRECONDITION naming file and key for a malformed file.
 */
export function endpointsOf(registry: string, options: HostsOptions): Endpoint[] {
  const file = findHostsFile(registry, options.certsDirectories);
  const own = defaultServer(registry, options.plainHttpHosts);
  if (file === undefined) return [endpoint(own, {}, { origin: true, directory: "", file: "" })];
  const { host, server, ...serverTable } = readHostsFile(file);
  const context = { directory: dirname(file), file };
  const mirrors = Object.entries(host ?? {}).map(([url, table]) =>
    endpoint(url, table, { ...context, origin: new URL(withScheme(url)).host === new URL(own).host }),
  );
  return [...mirrors, endpoint(server ?? own, serverTable, { ...context, origin: true })];
}

/** containerd looks for "host_port_" (a name without a colon), then "host:port", then "_default". */
function findHostsFile(registry: string, directories: readonly string[]): string | undefined {
  const names = [registry.replace(/:(\d+)$/, "_$1_"), registry, "_default"];
  for (const directory of directories)
    for (const name of names) {
      const file = join(directory, name, "hosts.toml");
      if (existsSync(file)) return file;
    }
  return undefined;
}

function readHostsFile(file: string): z.infer<typeof hostsSchema> {
  let document: unknown;
  try {
    document = parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw refusal(file, error instanceof TomlError ? (error.message.split("\n", 1)[0] ?? "") : String(error));
  }
  const result = hostsSchema.safeParse(document);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw refusal(file, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "malformed"}`);
}

function refusal(file: string, reason: string): LichenError {
  return new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "read registry hosts",
    object: file,
    reason,
    hint: 'known keys: server, and in [host."URL"]: capabilities (pull, resolve), ca, skip_verify, override_path, header',
  });
}

interface EndpointContext {
  origin: boolean;
  directory: string;
  file: string;
}

function endpoint(address: string, table: HostTable, context: EndpointContext): Endpoint {
  const url = URL.canParse(withScheme(address)) ? new URL(withScheme(address)) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw refusal(context.file, `"${address}" is no http or https address`);
  const path = url.pathname.replace(/\/+$/, "");
  // override_path: the address already is the root of the API; otherwise /v2 belongs below it.
  const apiPath = table.override_path === true || path.endsWith("/v2") ? path : `${path}/v2`;
  const capabilities = table.capabilities ?? ["pull", "resolve"];
  const authorities = [table.ca ?? []].flat();
  return {
    url: `${url.origin}${apiPath}`,
    origin: context.origin,
    capabilities: { resolve: capabilities.includes("resolve"), pull: capabilities.includes("pull") },
    skipVerify: table.skip_verify ?? false,
    authorities: authorities.map((file) => readAuthority(resolve(context.directory, file), context.file)),
    headers: Object.fromEntries(
      Object.entries(table.header ?? {}).map(([name, value]) => [name, [value].flat().join(", ")]),
    ),
  };
}

function readAuthority(file: string, hostsFile: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw refusal(hostsFile, `ca: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function withScheme(address: string): string {
  return address.includes("://") ? address : `https://${address}`;
}

function defaultServer(registry: string, plainHttpHosts: readonly string[]): string {
  // The registry behind the name "docker.io" answers at this host.
  if (registry === "docker.io") return "https://registry-1.docker.io";
  const host = hostOf(registry);
  const plain = isLoopback(host) || plainHttpHosts.includes(registry) || plainHttpHosts.includes(host);
  return `${plain ? "http" : "https"}://${registry}`;
}

function hostOf(registry: string): string {
  return registry.replace(/:\d+$/, "");
}

/** "localhost", 127.0.0.0/8 and [::1]. */
export function isLoopback(host: string): boolean {
  const address = host.replace(/^\[(.*)\]$/, "$1");
  return host === "localhost" || (isIP(address) === 4 && address.startsWith("127.")) || address === "::1";
}
