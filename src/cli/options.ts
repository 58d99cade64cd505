import { resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import type { KeyValue, Mount } from "#cri";

/** Parsers for option values. What they throw commander shows as one line that names the option. */

export function secondsOption(value: string): number {
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError("Give whole seconds, such as 10.");
  return Number(value);
}

export function countOption(value: string): number {
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError("Give a whole number, such as 100.");
  return Number(value);
}

/** `NAME=VALUE`, or `NAME` alone for the value it has here. May be given many times. */
export function environmentOption(value: string, before: KeyValue[] = []): KeyValue[] {
  const [, key, given] = /^([^=]+)(?:=(.*))?$/s.exec(value) ?? [];
  if (!key) throw new InvalidArgumentError("Give NAME=VALUE.");
  const found = given ?? process.env[key];
  if (found === undefined) throw new InvalidArgumentError(`${key} is not set here; give ${key}=VALUE.`);
  return [...before, { key, value: Buffer.from(found) }];
}

export type Volume = Pick<Mount, "hostPath" | "containerPath" | "readonly">;

/** `HOST-PATH:CONTAINER-PATH[:ro|:rw]`. A relative host path is one from here. May be given many times. */
export function volumeOption(value: string, before: Volume[] = []): Volume[] {
  const [hostPath, containerPath, mode = "rw", ...rest] = value.split(":");
  const known = mode === "ro" || mode === "rw";
  if (!hostPath || !containerPath?.startsWith("/") || !known || rest.length > 0) {
    throw new InvalidArgumentError("Give HOST-PATH:/CONTAINER-PATH or HOST-PATH:/CONTAINER-PATH:ro.");
  }
  return [...before, { hostPath: resolve(hostPath), containerPath, readonly: mode === "ro" }];
}
