// A cgroup v2 subtree that the unprivileged user may manage: what a systemd user manager gives, made by root where there is none.
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Where cgroup v2 is mounted (on a hybrid machine beside the v1 hierarchies); undefined where it is not. */
function mountPoint() {
  for (const line of readFileSync("/proc/self/mounts", "utf8").split("\n")) {
    const [, directory, type] = line.split(" ");
    if (type === "cgroup2") return directory;
  }
  return undefined;
}

/** True when systemd runs this machine and therefore hands out cgroups itself. */
export const systemd = () => existsSync("/run/systemd/system");

/**
 * Makes the subtree `lichen-NAME` and gives it to `user`, with every controller that the kernel lets it have. Gives the path of the
 * leaf in which to start processes: the subtree itself must stay empty of them for controllers to reach its children.
 * Undefined when there is no cgroup v2 here to write to; lichen then says so and runs without limits.
 */
export function delegateSubtree(user) {
  const top = mountPoint();
  if (!top) return undefined;
  const subtree = join(top, `lichen-${user.name}`);
  const leaf = join(subtree, "init");
  try {
    for (const controller of readFileSync(join(top, "cgroup.controllers"), "utf8").trim().split(" ")) {
      try {
        writeFileSync(join(top, "cgroup.subtree_control"), `+${controller}`);
      } catch {
        // Not this one: realtime processes, or a container's top cgroup with processes in it. `lichen doctor` shows what came of it.
      }
    }
    mkdirSync(leaf, { recursive: true });
    for (const directory of [subtree, leaf]) {
      for (const file of ["", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"]) {
        chownSync(join(directory, file), user.uid, user.gid);
      }
    }
  } catch {
    return undefined;
  }
  return leaf;
}
