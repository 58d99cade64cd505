import { mkdir, readFile, realpath, rmdir } from "node:fs/promises";
import { posix } from "node:path";
import { type Mount, MountPropagation } from "#cri";
import { LichenError } from "../../errors.ts";
import type { IdMap } from "../../native/id-map.ts";
import type { RuntimeMount } from "../../oci-runtime.ts";
import type { Undo } from "../undo.ts";
import { type ImageLayers, imageVolume, imageVolumeProblem, isImageVolume } from "./image-volumes.ts";
import { idMappings, mountIdMap } from "./user-namespace.ts";

/** mount(8), as far as a bind mount has a say in them; `ro` and propagation have members of their own. */
const mountOptions = new Set([
  "nosuid",
  "nodev",
  "noexec",
  "nosymfollow",
  "noatime",
  "nodiratime",
  "relatime",
  "strictatime",
]);

/** Refuses mounts that are wrong or not built, before anything is made. */
export function checkMounts(mounts: readonly Mount[]): void {
  const seen = new Set<string>();
  for (const mount of mounts) {
    const path = mount.containerPath;
    const refuse = (code: "INVALID_ARGUMENT" | "UNIMPLEMENTED", reason: string, hint?: string): never => {
      throw new LichenError({
        code,
        operation: "mount",
        object: path || "(no container path)",
        reason,
        ...(hint === undefined ? {} : { hint }),
      });
    };
    if (!path.startsWith("/")) refuse("INVALID_ARGUMENT", "container_path is not absolute");
    if (normalized(path) === "/") refuse("INVALID_ARGUMENT", "the container's root cannot be mounted over");
    if (seen.has(normalized(path))) refuse("INVALID_ARGUMENT", "two mounts have this container_path");
    seen.add(normalized(path));
    const strange = mount.mountOptions.find((option) => !mountOptions.has(option));
    if (strange !== undefined) {
      const known = [...mountOptions].join(", ");
      refuse("INVALID_ARGUMENT", `mount_options: ${strange} is not one of ${known}`);
    }
    if (isImageVolume(mount)) {
      const problem = imageVolumeProblem(mount);
      if (problem !== undefined) refuse("INVALID_ARGUMENT", problem);
      continue;
    }
    if (mount.imageSubPath !== "") refuse("INVALID_ARGUMENT", "image_sub_path is given without an image");
    if (!mount.hostPath.startsWith("/")) {
      refuse("INVALID_ARGUMENT", `host_path ${JSON.stringify(mount.hostPath)} is not absolute`);
    }
    if (mount.recursiveReadOnly && !mount.readonly) {
      refuse("INVALID_ARGUMENT", "recursive_read_only needs readonly");
    }
    if (mount.recursiveReadOnly && mount.propagation !== MountPropagation.PROPAGATION_PRIVATE) {
      refuse("INVALID_ARGUMENT", "recursive_read_only needs private propagation");
    }
  }
}

const propagations: Record<MountPropagation, string> = {
  [MountPropagation.PROPAGATION_PRIVATE]: "rprivate",
  [MountPropagation.PROPAGATION_HOST_TO_CONTAINER]: "rslave",
  [MountPropagation.PROPAGATION_BIDIRECTIONAL]: "rshared",
};

export interface RequestedMounts {
  mounts: RuntimeMount[];
  /** What the container's root must at least be so that the mounts' propagation works; undefined for private. */
  rootfsPropagation: string | undefined;
}

/**
 * Turns CRI's mounts into bind mounts: symbolic links of the host path are resolved, and a path that does not exist becomes
 * a directory, as containerd and Docker do (NOT_FOUND when it cannot). FAILED_PRECONDITION when propagation is asked for and
 * the host path's mount does not have it. Image volumes are made of the layers in `images`.
 */
export async function requestedMounts(
  mounts: readonly Mount[],
  undo: Undo,
  pod?: IdMap,
  images: ImageLayers = new Map(),
): Promise<RequestedMounts> {
  const made: RuntimeMount[] = [];
  let rootfsPropagation: string | undefined;
  let table: string | undefined;
  const maps = mounts.map((mount) => mountIdMap(mount, pod));
  for (const [index, mount] of mounts.entries()) {
    if (isImageVolume(mount)) {
      made.push(imageVolume(mount, normalized(mount.containerPath), images));
      continue;
    }
    const source = await hostPath(mount.hostPath, undo);
    const propagation = propagations[mount.propagation] ?? "rprivate";
    if (propagation === "rshared" && pod !== undefined) {
      throw unshared(mount.containerPath);
    }
    if (propagation !== "rprivate") {
      table ??= await readFile("/proc/self/mountinfo", "utf8");
      checkPropagation(table, source, propagation);
      if (propagation === "rshared") rootfsPropagation = "rshared";
      else rootfsPropagation ??= "rslave";
    }
    const map = maps[index];
    const access = mount.recursiveReadOnly ? "rro" : mount.readonly ? "ro" : "rw";
    made.push({
      destination: normalized(mount.containerPath),
      type: "bind",
      source,
      options: ["rbind", propagation, access, ...mount.mountOptions],
      ...(map === undefined ? {} : idMappings(map)),
    });
  }
  return { mounts: made, rootfsPropagation };
}

function unshared(containerPath: string): LichenError {
  return new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "propagate mounts",
    object: containerPath,
    reason: "a pod with a user namespace of its own may not mount anything on the node",
    hint: "ask for HOST_TO_CONTAINER or PRIVATE, or run the pod in the node's user namespace",
  });
}

async function hostPath(path: string, undo: Undo): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
      throw unusable(path, "FAILED_PRECONDITION", "it cannot be reached", error);
    }
  }
  try {
    const topmost = await mkdir(path, { recursive: true, mode: 0o755 });
    if (topmost !== undefined) undo.add("make a host path", () => removeEmpty(path, topmost));
    return await realpath(path);
  } catch (error) {
    throw unusable(path, "NOT_FOUND", "it does not exist and cannot be made", error);
  }
}

/** Removes the directories from `path` up to `topmost`, as long as nobody put anything there. */
async function removeEmpty(path: string, topmost: string): Promise<void> {
  for (let at = posix.normalize(path); at.length >= topmost.length; at = posix.dirname(at)) await rmdir(at);
}

function unusable(
  path: string,
  code: "FAILED_PRECONDITION" | "NOT_FOUND",
  reason: string,
  error: unknown,
): LichenError {
  return new LichenError({
    code,
    operation: "prepare host path of mount",
    object: path,
    reason: `${reason}: ${(error as NodeJS.ErrnoException).code ?? error}`,
    hint: "the user that runs lichen must be able to reach the path, or to write its parent",
    cause: error,
  });
}

function normalized(containerPath: string): string {
  const path = posix.normalize(`/${containerPath}`);
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

/** Refuses propagation that the mount holding `source` cannot give; `table` is /proc/self/mountinfo, proc_pid_mountinfo(5). */
export function checkPropagation(table: string, source: string, propagation: string): void {
  let best = { mountPoint: "", fields: "" };
  for (const line of table.split("\n")) {
    const [, , , , encoded, , ...rest] = line.split(" ");
    if (encoded === undefined) continue;
    const mountPoint = encoded.replace(/\\(\d{3})/g, (_all, octal) =>
      String.fromCharCode(parseInt(octal, 8)),
    );
    const holds = mountPoint === "/" || source === mountPoint || source.startsWith(`${mountPoint}/`);
    // Of several mounts at one point the last one is on top.
    if (holds && mountPoint.length >= best.mountPoint.length) {
      best = { mountPoint, fields: rest.slice(0, rest.indexOf("-")).join(" ") };
    }
  }
  const shared = best.fields.includes("shared:");
  const slave = best.fields.includes("master:");
  if (shared || (propagation === "rslave" && slave)) return;
  throw new LichenError({
    code: "FAILED_PRECONDITION",
    operation: "propagate mounts",
    object: source,
    reason: `it lies on the mount ${best.mountPoint}, which is ${slave ? "slave" : "private"}`,
    hint: `mount --make-rshared ${best.mountPoint}, or ask for private propagation`,
  });
}
