import { accessSync, constants, type Dirent, readdirSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import type { Device } from "#cri";
import { LichenError } from "../../errors.ts";
import type { RuntimeMount } from "../../oci-runtime.ts";

/** What /dev of every container has anyway, or what is made afresh for it. */
const ownNodes = new Set([
  "console",
  "core",
  "fd",
  "full",
  "hugepages",
  "initctl",
  "log",
  "mqueue",
  "null",
  "ptmx",
  "pts",
  "random",
  "shm",
  "stderr",
  "stdin",
  "stdout",
  "tty",
  "urandom",
  "zero",
]);

/**
 * The devices that a container asks for, each bound from the node; a directory stands for the devices in it. All of them when
 * privileged, as far as this user may open them. No user namespace may filter devices, so permissions that would take reading
 * or writing away are refused (FAILED_PRECONDITION); `m` means nothing, since nobody inside may make nodes.
 */
export function deviceMounts(devices: readonly Device[], privileged: boolean): RuntimeMount[] {
  const asked = devices.flatMap(devicesOf);
  if (!privileged) return asked;
  const taken = new Set(asked.map(({ destination }) => destination));
  return [...asked, ...privilegedNodes().flatMap((node) => (taken.has(node) ? [] : [bind(node, node)]))];
}

function devicesOf(device: Device): RuntimeMount[] {
  if (!posix.isAbsolute(device.hostPath)) {
    throw invalid(device, "INVALID_ARGUMENT", "host_path is not absolute");
  }
  if (!/^[rwm]*$/.test(device.permissions)) {
    throw invalid(device, "INVALID_ARGUMENT", `permissions ${device.permissions} are not of r, w and m`);
  }
  if (device.permissions !== "" && !(/r/.test(device.permissions) && /w/.test(device.permissions))) {
    const reason = `permissions ${device.permissions} cannot be enforced without root`;
    throw invalid(device, "FAILED_PRECONDITION", reason, "ask for rw or rwm");
  }
  const found = nodes(device.hostPath);
  if (found === undefined) throw invalid(device, "INVALID_ARGUMENT", "no such device on the node");
  if (found.length === 0)
    throw invalid(device, "INVALID_ARGUMENT", "neither a device nor a directory of devices");
  const container = device.containerPath || device.hostPath;
  return found.map((node) => bind(node, posix.normalize(container + node.slice(device.hostPath.length))));
}

function bind(source: string, destination: string): RuntimeMount {
  return { destination, type: "bind", source, options: ["bind", "rprivate", "nosuid", "noexec"] };
}

/** The device nodes at or directly below `path`; undefined when there is nothing. */
function nodes(path: string): string[] | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (stats.isCharacterDevice() || stats.isBlockDevice()) return [path];
  if (!stats.isDirectory()) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter(isNode)
    .map((entry) => join(path, entry.name));
}

function privilegedNodes(): string[] {
  return readdirSync("/dev", { withFileTypes: true })
    .filter((entry) => !ownNodes.has(entry.name))
    .flatMap((entry) => {
      const path = join("/dev", entry.name);
      if (isNode(entry)) return [path];
      return entry.isDirectory() ? (readable(path) ?? []) : [];
    })
    .filter(openable);
}

function readable(path: string): string[] | undefined {
  try {
    return nodes(path);
  } catch {
    return undefined;
  }
}

function isNode(entry: Dirent): boolean {
  return entry.isCharacterDevice() || entry.isBlockDevice();
}

function openable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function invalid(
  device: Device,
  code: "INVALID_ARGUMENT" | "FAILED_PRECONDITION",
  reason: string,
  hint?: string,
): LichenError {
  return new LichenError({
    code,
    operation: "add device",
    object: device.hostPath || device.containerPath,
    reason,
    ...(hint === undefined ? {} : { hint }),
  });
}
