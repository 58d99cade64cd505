import { native, nativeAsync } from "./addon.ts";

// Directories of cgroup v2, by absolute path. Limits and statistics are ordinary files: src/resources/ reads and writes them.

/** Makes the cgroup and its missing parents; one that exists is fine. */
export function createCgroup(path: string): void {
  native((raw) => raw.createCgroup(path));
}

/** Whether any process lives in it or below it. */
export function cgroupPopulated(path: string): boolean {
  return native((raw) => raw.cgroupPopulated(path));
}

/** SIGKILL for everything in it and below it; settles when the last process is gone. DEADLINE_EXCEEDED when that takes longer. */
export function killCgroup(path: string, timeoutMs = 10_000): Promise<void> {
  return nativeAsync((raw) => raw.killCgroup(path, timeoutMs));
}

/** Removes it and those below it, waiting for processes that are about to be gone. One that does not exist is fine. */
export function removeCgroup(path: string, timeoutMs = 2_000): Promise<void> {
  return nativeAsync((raw) => raw.removeCgroup(path, timeoutMs));
}
