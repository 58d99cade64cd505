import { isIP } from "node:net";
import { resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import { type KeyValue, type Mount, type PortMapping, Protocol } from "#cri";

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

/** A port of the pod that is served on the host. */
export type PublishedPort = PortMapping;

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

/** `[HOST-IP:]HOST-PORT:POD-PORT[/tcp|/udp]`; an IPv6 address in brackets. May be given many times. */
export function publishOption(value: string, before: PublishedPort[] = []): PublishedPort[] {
  const form = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):)?(\d{1,5}):(\d{1,5})(?:\/(tcp|udp))?$/;
  const [whole, v6, v4, host, pod, protocol = "tcp"] = form.exec(value) ?? [];
  const ports = [Number(host), Number(pod)];
  const hostIp = v6 ?? v4 ?? "";
  const known = hostIp === "" || isIP(hostIp) > 0;
  if (whole === undefined || !known || !ports.every((port) => port >= 1 && port <= 65_535)) {
    throw new InvalidArgumentError(
      "Give [HOST-IP:]HOST-PORT:POD-PORT[/udp], such as 8080:80 or 127.0.0.1:8080:80.",
    );
  }
  const [hostPort = 0, containerPort = 0] = ports;
  const number = protocol === "udp" ? Protocol.UDP : Protocol.TCP;
  return [...before, { protocol: number, hostIp, hostPort, containerPort }];
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
