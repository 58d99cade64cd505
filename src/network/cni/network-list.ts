import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { LichenError } from "../../errors.ts";

/** One plugin of a network: its configuration as the file has it, and what the runtime has to know of it. */
export interface PluginConfig {
  /** The program's file name. */
  type: string;
  /** What it wants to be told about each pod (`runtimeConfig`), by the names of CNI's CONVENTIONS. */
  capabilities: string[];
  config: Readonly<Record<string, unknown>>;
}

/** A network configuration list (CNI spec, section 1). */
export interface NetworkList {
  /** The file it was read from. */
  file: string;
  name: string;
  /** The highest version that both the file and this runtime speak. */
  cniVersion: string;
  disableCheck: boolean;
  disableGc: boolean;
  plugins: PluginConfig[];
}

/** Protocol versions that this runtime speaks, oldest first. */
export const cniVersions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const;

/** Whether a protocol version has what `since` brought. */
export function speaks(version: string, since: (typeof cniVersions)[number]): boolean {
  return cniVersions.indexOf(version as (typeof cniVersions)[number]) >= cniVersions.indexOf(since);
}

/**
 * The network that pods are put on: the first file by name in the first of the directories that has one (as kubelets' runtimes do).
 * FAILED_PRECONDITION when there is none, or the one that is there is broken: the next one is not what its author meant.
 */
export function loadNetwork(directories: readonly string[]): NetworkList {
  for (const directory of directories) {
    const file = networkFiles(directory)[0];
    if (file !== undefined) return readNetwork(file);
  }
  throw new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "find a CNI network",
    object: directories.join(", "),
    reason: "no file there ends in .conflist, .conf or .json",
    hint: "install a network plugin's configuration there, or set network.cni_config_directories",
  });
}

/** Configuration files of a directory, in the order of their names; none when there is no such directory. */
function networkFiles(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => /\.(conflist|conf|json)$/.test(name))
      .sort()
      .map((name) => join(directory, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw broken(directory, (error as Error).message);
  }
}

function readNetwork(file: string): NetworkList {
  try {
    return parseNetwork(readFileSync(file, "utf8"), file);
  } catch (error) {
    if (error instanceof LichenError) throw error;
    throw broken(file, (error as Error).message);
  }
}

/** Reads a list, or the older form with a single plugin. FAILED_PRECONDITION, naming file and member, when it is not valid. */
export function parseNetwork(text: string, file: string): NetworkList {
  const list = asObject(parseJson(text, file), file, "the file");
  const single = !("plugins" in list) && "type" in list;
  const plugins = single ? [list] : list.plugins;
  if (!Array.isArray(plugins) || plugins.length === 0)
    throw broken(file, '"plugins" must be a list that is not empty');
  return {
    file,
    name: checkedName(list.name, file),
    cniVersion: chosenVersion(list, file),
    disableCheck: flag(list, "disableCheck", file),
    disableGc: flag(list, "disableGC", file),
    plugins: plugins.map((plugin, i) => readPlugin(asObject(plugin, file, `plugins[${i}]`), i, file)),
  };
}

function readPlugin(config: Record<string, unknown>, index: number, file: string): PluginConfig {
  const { type, capabilities = {} } = config;
  // A type with a slash would run a program from anywhere.
  if (typeof type !== "string" || type === "" || type.includes("/")) {
    throw broken(file, `plugins[${index}].type must be the name of a plugin, not ${JSON.stringify(type)}`);
  }
  const wanted = Object.entries(asObject(capabilities, file, `plugins[${index}].capabilities`));
  return { type, config, capabilities: wanted.filter(([, on]) => on === true).map(([name]) => name) };
}

/** CNI spec, section 1: alphanumeric first, then also "_", "." and "-". */
function checkedName(name: unknown, file: string): string {
  if (typeof name === "string" && /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) return name;
  throw broken(
    file,
    `"name" must begin with a letter or digit and go on with those, "_", "." or "-", not ${JSON.stringify(name)}`,
  );
}

function chosenVersion(list: Record<string, unknown>, file: string): string {
  const { cniVersion = "0.2.0", cniVersions: others = [] } = list;
  const offered = [cniVersion, ...(Array.isArray(others) ? others : [others])];
  const known = cniVersions.findLast((version) => offered.includes(version));
  if (known !== undefined) return known;
  throw broken(file, `its CNI version ${offered.join(", ")} is not one of ${cniVersions.join(", ")}`);
}

/** libcni takes the texts "true" and "false" as well. */
function flag(list: Record<string, unknown>, name: string, file: string): boolean {
  const value = list[name] ?? false;
  if (value === true || value === "true") return true;
  if (value === false || value === "false") return false;
  throw broken(file, `"${name}" must be true or false, not ${JSON.stringify(value)}`);
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw broken(file, `it is not JSON: ${(error as Error).message}`);
  }
}

function asObject(value: unknown, file: string, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw broken(file, `${what} must be an object`);
}

function broken(object: string, reason: string): LichenError {
  return new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "read CNI network",
    object,
    reason,
    hint: "mend or remove the file; it is read again with the next pod",
  });
}
