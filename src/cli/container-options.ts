import { readFileSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import type { Device, KeyValue } from "#cri";
import { environmentOption } from "./options.ts";

/** Parsers for what `lichen run` may ask of a container. What they throw commander shows as one line that names the option. */

const unitBytes: Record<string, number> = { "": 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** Bytes: `512m`, `1.5g`, `65536`; the units are powers of 1024, as in docker and podman. */
export function bytesOption(value: string): number {
  const [, count, unit = ""] = /^(\d+(?:\.\d+)?)(b|[kmg]b?)?$/i.exec(value) ?? [];
  const bytes = Math.floor(Number(count) * (unitBytes[unit.toLowerCase().charAt(0)] ?? Number.NaN));
  if (!(bytes > 0) || !Number.isSafeInteger(bytes)) {
    throw new InvalidArgumentError("Give a size such as 64m or 1.5g.");
  }
  return bytes;
}

/** Processors, also parts of one: `1.5`. */
export function cpusOption(value: string): number {
  const cpus = /^\d+(\.\d+)?$/.test(value) ? Number(value) : 0;
  if (cpus < 0.01) throw new InvalidArgumentError("Give a number of processors, 0.01 at least, such as 1.5.");
  return cpus;
}

/** Who the command runs as: a name of the image's /etc/passwd or a uid, and a group if it is not to be that user's. */
export interface User {
  name?: string;
  uid?: number;
  gid?: number;
}

/** `user[:gid]` or `uid[:gid]`. */
export function userOption(value: string): User {
  const [, user = "", gid] = /^([^:]+)(?::(\d+))?$/.exec(value) ?? [];
  if (user === "")
    throw new InvalidArgumentError("Give a name of the image's /etc/passwd or a uid, with :gid or without.");
  const who = /^\d+$/.test(user) ? { uid: Number(user) } : { name: user };
  return gid === undefined ? who : { ...who, gid: Number(gid) };
}

/** A capability with or without `CAP_`, or `ALL`. May be given many times. */
export function capabilityOption(value: string, before: string[] = []): string[] {
  const name = value.toUpperCase().replace(/^CAP_/, "");
  if (!/^[A-Z_]+$/.test(name)) throw new InvalidArgumentError("Give a capability such as NET_ADMIN, or ALL.");
  return [...before, name];
}

/** `/dev/NODE[:/dev/THERE[:rwm]]`. May be given many times. */
export function deviceOption(value: string, before: Device[] = []): Device[] {
  const [hostPath = "", second = "", third, ...rest] = value.split(":");
  const onlyPermissions = third === undefined && /^[rwm]+$/.test(second);
  const containerPath = onlyPermissions || second === "" ? hostPath : second;
  const permissions = onlyPermissions ? second : (third ?? "rwm");
  const absolute = hostPath.startsWith("/") && containerPath.startsWith("/");
  if (!absolute || !/^[rwm]{1,3}$/.test(permissions) || rest.length > 0) {
    throw new InvalidArgumentError("Give /dev/NODE, /dev/NODE:/dev/THERE or /dev/NODE:/dev/THERE:rw.");
  }
  return [...before, { hostPath, containerPath, permissions }];
}

/** A name as docker and podman take it. */
export function nameOption(value: string): string {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(value))
    throw new InvalidArgumentError(
      "Give letters, digits, underscores, dots and hyphens, no sign at the beginning.",
    );
  return value;
}

/** `NAME=VALUE`, or `NAME` for an empty value. May be given many times. */
export function labelOption(value: string, before: Record<string, string> = {}): Record<string, string> {
  const [, name, text = ""] = /^([^=]+)(?:=(.*))?$/s.exec(value) ?? [];
  if (!name) throw new InvalidArgumentError("Give NAME=VALUE.");
  return { ...before, [name]: text };
}

/** A file of `NAME=VALUE` lines; empty ones and those that begin with `#` say nothing. May be given many times. */
export function environmentFileOption(path: string, before: KeyValue[] = []): KeyValue[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new InvalidArgumentError(`It cannot be read: ${String((error as NodeJS.ErrnoException).code)}.`);
  }
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .reduce((all, line) => environmentOption(line, all), before);
}
