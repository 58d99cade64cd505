import { homedir } from "node:os";
import type { Mount } from "#cri";
import { LichenError } from "../../errors.ts";
import { labelTree } from "../../native/security.ts";
import type { RuntimeMount } from "../../oci-runtime.ts";
import type { SelinuxLabels } from "../../security/selinux.ts";

/** What a mount can be given a label for as a whole, also by the root of a user namespace. */
const labelled = new Set(["tmpfs", "devpts", "overlay"]);

/**
 * The mounts with the label of the container's files: of its volatile file systems, of images, and of the pod's shared memory. An image of one layer would be
 * a bind mount of it, with the layer's labels; with `emptyDirectory` beside it, it is an overlay.
 */
export function labelledMounts(
  mounts: RuntimeMount[],
  label: string | undefined,
  emptyDirectory: string,
): RuntimeMount[] {
  if (label === undefined) return mounts;
  return mounts.map((mount) => {
    if (!labelled.has(mount.type) && mount.source !== "lichen:shm") return mount;
    const layers = mount.options.filter((option) => option.startsWith("lowerdir+="));
    const second = layers.length === 1 ? [`lowerdir+=${emptyDirectory}`] : [];
    return { ...mount, options: [...mount.options, ...second, `context=${label}`] };
  });
}

/** A path of the node that a container is to have, by the name that CRI has for it. */
export interface RelabelRequest {
  /** With every link resolved. */
  source: string;
  containerPath: string;
}

/** The host paths of volumes that are to be relabelled (`selinux_relabel`). `sources` are those of the same mounts, with links resolved. */
export function relabelRequests(
  mounts: readonly Mount[],
  sources: readonly RuntimeMount[],
): RelabelRequest[] {
  return mounts.flatMap((mount, index) =>
    mount.selinuxRelabel && sources[index]?.type === "bind"
      ? [{ source: sources[index].source, containerPath: mount.containerPath }]
      : [],
  );
}

/**
 * Gives volumes the label of the container's files, as far as they do not have it yet. Kubelets ask for it on every node and of every
 * container: one without a label of its own leaves them alone. FAILED_PRECONDITION when the policy has no label for files of containers,
 * when a file's owner or the policy forbid it, and for directories that programs other than containers need as they are.
 */
export async function relabel(requests: readonly RelabelRequest[], labels: SelinuxLabels): Promise<void> {
  if (labels.process === undefined) return;
  for (const { source, containerPath } of requests) {
    const refused = (reason: string, cause?: unknown) =>
      new LichenError({
        code: "FAILED_PRECONDITION",
        operation: "relabel volume",
        object: `${source} (${containerPath})`,
        reason,
        hint: "leave selinux_relabel out, or label the volume as an administrator (chcon)",
        cause,
      });
    if (labels.files === undefined)
      throw refused("the loaded SELinux policy has no label for files of containers");
    if (source === "/" || source === homedir())
      throw refused("other programs need what is there with the labels that it has");
    await labelTree(source, labels.files).catch((error) => {
      throw refused(error instanceof LichenError ? error.message : String(error), error);
    });
  }
}
