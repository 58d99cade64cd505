import { rm } from "node:fs/promises";
import { join } from "node:path";
import { detachMount } from "../../native/mounts.ts";

/**
 * Removes a pod's runtime directory; fine when there is none. Before Linux 6.15 the pod's shared memory is mounted in it, and still is after its
 * monitor was killed.
 */
export async function removePodDirectory(directory: string): Promise<void> {
  detachMount(join(directory, "shm"));
  await rm(directory, { recursive: true, force: true });
}
