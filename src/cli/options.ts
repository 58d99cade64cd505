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

const unitMilliseconds = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `10m` before now, or a time as RFC 3339 has it: as a time of the log's own form. */
export function sinceOption(value: string): string {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(value) ?? [];
  const time =
    unit === undefined
      ? Date.parse(/^\d{4}-\d\d-\d\dT/.test(value) ? value : "")
      : Date.now() - Number(count) * unitMilliseconds[unit as keyof typeof unitMilliseconds];
  if (Number.isNaN(time)) throw new InvalidArgumentError("Give 90s, 10m, 2h, 1d or 2026-01-02T03:04:05Z.");
  return new Date(time).toISOString().replace("Z", "000000Z");
}
