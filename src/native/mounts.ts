import { type Fd, native, nativeAsync } from "./addon.ts";

export interface OverlayOptions {
  /** Layer directories, topmost first. */
  lower: readonly string[];
  /** Where changes go, with a work directory on the same file system; without both the mount is read-only. */
  upper?: string;
  work?: string;
  readonly?: boolean;
  /** The SELinux context of every file in the mount; without one each has its own. */
  context?: string;
}

/** An overlay that is in no mount table: it exists as long as its descriptor, and wherever the monitor attaches it. */
export function overlay(options: OverlayOptions): Promise<Fd> {
  return nativeAsync((raw) => raw.overlay({ ...options, lower: [...options.lower] }));
}

/** A detached copy of the mount at `path`, as a bind mount would show it. */
export function cloneTree(
  path: string,
  options: { recursive?: boolean; readonly?: boolean } = {},
): Promise<Fd> {
  return nativeAsync((raw) => raw.cloneTree(path, options));
}

/** Takes what is mounted on `path` out of this mount namespace, though it may be in use; fine when nothing is. */
export function detachMount(path: string): void {
  native((raw) => raw.detachMount(path));
}
