import { resolve } from "node:path";
import { resolvePaths, socketPath } from "../config/paths.ts";

/** The daemon's CRI socket: `--address` (a path, also as unix:///path), else the one in the runtime directory. */
export function socketOf(options: { address?: string | undefined; runtimeDir?: string | undefined }): string {
  if (options.address) return resolve(options.address.replace(/^unix:\/\/(?=\/)|^unix:/, ""));
  return socketPath(runtimeDirOf(options));
}

/** The runtime directory of the instance that is spoken of. */
export function runtimeDirOf(options: { runtimeDir?: string | undefined }): string {
  return resolvePaths({ runtimeDir: options.runtimeDir }, process.env, process.getuid?.() ?? 0).runtimeDir;
}
