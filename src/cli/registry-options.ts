import { resolve } from "node:path";
import type { Command } from "commander";
import { resolvePaths } from "../config/paths.ts";
import type { Endpoint } from "../image/registry/hosts.ts";
import type { NetworkSettings } from "../image/registry/transport.ts";
import { misuse } from "./context.ts";

/** What `login` and `logout` have in common. */
export interface LoginOptions {
  authfile?: string;
  config?: string;
}

export function addLoginOptions(command: Command): Command {
  return command
    .option(
      "--authfile <file>",
      "the file of credentials; default $REGISTRY_AUTH_FILE, else podman's and docker's",
    )
    .option("--config <file>", "configuration file (TOML), for plain_http and registry certificates");
}

/** "https://index.docker.io/v1/", "docker.io" and "host:5000/team/" as they are looked for: host, and path if any. */
export function placeOf(registry: string): string {
  const bare = registry.replace(/^https?:\/\//, "").replace(/(\/v[12])?\/*$/, "");
  const place = bare.replace(/^(index|registry-1)\.docker\.io(?=\/|$)/, "docker.io");
  if (/^([A-Za-z0-9.-]+|\[[A-Fa-f0-9:]+\])(:\d+)?(\/[a-z0-9._-]+)*$/.test(place)) return place;
  throw misuse("log in to", registry, "this is no registry", 'write "host", "host:port" or "host/path"');
}

/** The files of credentials, in the order to look at them. */
export async function authFiles(
  options: LoginOptions,
): Promise<{ files: string[]; environment: NodeJS.ProcessEnv }> {
  const { authFilesOf } = await import("../image/registry/auth-files.ts");
  const files = options.authfile === undefined ? authFilesOf(process.env) : [resolve(options.authfile)];
  return { files, environment: process.env };
}

/** How the daemon would reach the registry, and where it would look for its credentials. */
export async function registryOf(
  place: string,
  options: LoginOptions,
): Promise<{
  endpoint: Endpoint;
  network: NetworkSettings;
  files: string[];
  environment: NodeJS.ProcessEnv;
}> {
  const [{ loadConfig }, { endpointsOf }, { sharedCertsDirectories }, { proxiesOf }, { defaultNetwork }] =
    await Promise.all([
      import("../config/load.ts"),
      import("../image/registry/hosts.ts"),
      import("../image/registry/hosts-file.ts"),
      import("../image/registry/proxy.ts"),
      import("../image/registry/transport.ts"),
    ]);
  const paths = resolvePaths(options, process.env, process.getuid?.() ?? 0);
  const { images } = loadConfig(paths.configFile, { required: paths.configGiven });
  const [host = ""] = place.split("/", 1);
  // The last one is the registry itself; mirrors have credentials of their own.
  const endpoint = endpointsOf(host, {
    certsDirectories: images.certs_directories ?? [paths.certsDir, ...sharedCertsDirectories(process.env)],
    plainHttpHosts: images.plain_http,
  }).at(-1);
  if (endpoint === undefined) throw misuse("log in to", place, "it has no address", "check hosts.toml");
  const network = { ...defaultNetwork, proxies: proxiesOf(process.env) };
  return { endpoint, network, ...(await authFiles(options)) };
}
