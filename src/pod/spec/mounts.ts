import type { RuntimeMount } from "../../oci-runtime.ts";

/** The files that a pod's containers share, by host path; "" where the node's file is not to be hidden. */
export interface PodFiles {
  hostname: string;
  hosts: string;
  resolvConf: string;
}

export interface DefaultMountsRequest {
  privileged: boolean;
  readonlyRootfs: boolean;
  network: "pod" | "node";
  ipc: "pod" | "node";
  pid: "container" | "pod" | "node" | "target";
  /** Whether the group 5 (tty) exists. */
  ttyGroup: boolean;
  files: PodFiles;
  /** Whether a path exists on the node. */
  nodeHas: (path: string) => boolean;
}

/**
 * The mounts that every container gets: what containerd's CRI plugin gives, as programs expect. A fresh proc, sysfs or mqueue needs the
 * namespace that it shows to be ours; where a pod shares the node's, the node's mount is bound instead.
 */
export function defaultMounts(request: DefaultMountsRequest): RuntimeMount[] {
  const quiet = ["nosuid", "noexec", "nodev"];
  const access = request.privileged ? "rw" : "ro";
  const fileAccess = request.readonlyRootfs ? "ro" : "rw";
  const ownNetwork = request.network === "pod";
  const ownIpc = request.ipc === "pod";
  // The node's own may not be there, and its namespace is not ours to mount another: then the container has none either.
  const nodeMount = (path: string) =>
    request.nodeHas(path) ? [bind(path, path, [...quiet, "rprivate", "rw"])] : [];
  const file = (source: string, destination: string) =>
    source === "" ? [] : [bind(source, destination, ["rprivate", fileAccess])];
  return [
    request.pid === "node"
      ? bind("/proc", "/proc", [...quiet, "rprivate"])
      : { destination: "/proc", type: "proc", source: "proc", options: quiet },
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: [
        "nosuid",
        "noexec",
        "newinstance",
        "ptmxmode=0666",
        "mode=0620",
        ...(request.ttyGroup ? ["gid=5"] : []),
      ],
    },
    ...(ownIpc
      ? [
          bind("lichen:shm", "/dev/shm", [...quiet, "rprivate", "rw"]),
          { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: quiet },
        ]
      : [...nodeMount("/dev/shm"), ...nodeMount("/dev/mqueue")]),
    ownNetwork
      ? { destination: "/sys", type: "sysfs", source: "sysfs", options: [...quiet, access] }
      : bind("/sys", "/sys", [...quiet, "rprivate", access]),
    {
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: [...quiet, "relatime", access],
    },
    ...file(request.files.hostname, "/etc/hostname"),
    ...file(request.files.hosts, "/etc/hosts"),
    ...file(request.files.resolvConf, "/etc/resolv.conf"),
  ];
}

function bind(source: string, destination: string, options: string[]): RuntimeMount {
  return { destination, type: "bind", source, options: ["rbind", ...options] };
}

/**
 * The defaults and the requested mounts in one order: a requested mount takes the place of a default one at the same path, and what
 * lies deeper comes later, so that nothing hides what is mounted below it.
 */
export function orderedMounts(defaults: RuntimeMount[], requested: RuntimeMount[]): RuntimeMount[] {
  const taken = new Set(requested.map(({ destination }) => destination));
  const depth = ({ destination }: RuntimeMount) => destination.split("/").filter(Boolean).length;
  const sorted = [...requested].sort((one, other) => depth(one) - depth(other));
  return [...defaults.filter(({ destination }) => !taken.has(destination)), ...sorted];
}
