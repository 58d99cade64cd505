import type { ContainerConfig, KeyValue } from "#cri";
import { LichenError } from "../../errors.ts";
import type { RuntimeProcess } from "../../oci-runtime.ts";
import type { ImageConfig } from "../types.ts";

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * The command line: CRI's command replaces the image's entry point and with it the image's arguments, CRI's args replace the
 * image's arguments alone. INVALID_ARGUMENT when neither names a command.
 */
export function commandLine(config: ContainerConfig, image: ImageConfig): string[] {
  let { command, args } = config;
  if (command.length === 0) {
    if (args.length === 0) args = image.Cmd ?? [];
    const entrypoint = image.Entrypoint ?? [];
    // Some builders write an empty entry point as [""].
    command = entrypoint.length === 1 && entrypoint[0] === "" ? [] : entrypoint;
  }
  const line = [...command, ...args];
  if (line.length === 0) {
    throw new LichenError({
      code: "INVALID_ARGUMENT",
      operation: "choose command",
      object: config.metadata?.name ?? "",
      reason: "neither the container's configuration nor the image names a command",
      hint: "give a command",
    });
  }
  for (const argument of line) refuseNul("argument", argument);
  return line;
}

/** The environment: PATH, HOSTNAME and TERM unless somebody sets them, then the image's, then the configuration's variables. */
export function environment(config: ContainerConfig, image: ImageConfig, hostname: string): string[] {
  const variables = new Map<string, string>();
  const set = (variable: string) => variables.set(variable.split("=", 1)[0]!, variable);
  set(defaultPath);
  set(`HOSTNAME=${hostname}`);
  if (config.tty) set("TERM=xterm");
  for (const variable of image.Env ?? []) set(variable);
  for (const variable of config.envs) set(`${variable.key}=${textOf(variable)}`);
  return [...variables.values()];
}

/** A variable's value is bytes in CRI, and text in the OCI runtime specification. */
function textOf(variable: KeyValue): string {
  if (variable.key === "" || variable.key.includes("=") || variable.key.includes("\0")) {
    throw invalidVariable(variable.key, "not a name: empty, or with = or NUL in it");
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(variable.value);
  } catch {
    throw invalidVariable(variable.key, "its value is not valid UTF-8");
  }
  refuseNul("environment variable", text);
  return text;
}

function invalidVariable(key: string, reason: string): LichenError {
  return new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "set environment variable",
    object: JSON.stringify(key),
    reason,
  });
}

function refuseNul(what: string, text: string): void {
  if (!text.includes("\0")) return;
  throw new LichenError({
    code: "INVALID_ARGUMENT",
    operation: `read ${what}`,
    object: JSON.stringify(text),
    reason: "a NUL character cannot be passed to a process",
  });
}

/** The working directory; INVALID_ARGUMENT when it is not absolute. */
export function workingDirectory(config: ContainerConfig, image: ImageConfig): string {
  const directory = config.workingDir || image.WorkingDir || "/";
  if (directory.startsWith("/")) return directory;
  throw new LichenError({
    code: "INVALID_ARGUMENT",
    operation: "choose working directory",
    object: directory,
    reason: "not an absolute path",
  });
}

/** The process of an exec: the container's own, with another command line and without its first process's OOM score. */
export function execProcess(first: RuntimeProcess, command: string[], terminal: boolean): RuntimeProcess {
  if (command.length === 0) {
    throw new LichenError({
      code: "INVALID_ARGUMENT",
      operation: "execute",
      object: "",
      reason: "no command is given",
    });
  }
  for (const argument of command) refuseNul("argument", argument);
  const hasTerm = first.env.some((variable) => variable.startsWith("TERM="));
  const env = terminal && !hasTerm ? [...first.env, "TERM=xterm"] : first.env;
  return { ...first, args: command, env, terminal };
}
