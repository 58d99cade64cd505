/** Another runtime's container from the runtime spec that lichen wrote: crun, in the node's own namespaces. */
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RuntimeMount, RuntimeSpec } from "../../src/oci-runtime.ts";
import type { Inspection } from "../fixtures/image-inspector.ts";
import type { LichenNode } from "./node.ts";
import { findPeer } from "./peers.ts";

export interface CrunPlace {
  node: LichenNode;
  /** Whose network, IPC and UTS namespaces the container joins. */
  monitor: number;
  /** What nobody without privilege goes below. */
  oomScoreAdj: number;
}

/** The same spec, with what names lichen's own places said in a way that every runtime understands. */
export function forCrun(spec: RuntimeSpec, { monitor, oomScoreAdj }: CrunPlace): object {
  const { cgroupsPath: _, ...linux } = spec.linux;
  const joined: Record<string, string> = { network: "net", ipc: "ipc", uts: "uts" };
  const least = spec.process.oomScoreAdj;
  return {
    ...spec,
    // Debian 12 has a crun that refuses what is newer than itself, whatever is in it.
    ociVersion: "1.0.0",
    // lichen goes as low as it may, crun gives up.
    process: {
      ...spec.process,
      ...(least === undefined ? {} : { oomScoreAdj: Math.max(least, oomScoreAdj) }),
    },
    root: { ...spec.root, path: "own/rootfs" },
    mounts: spec.mounts.map(mountForCrun),
    linux: {
      ...linux,
      namespaces: linux.namespaces.map(({ type }) =>
        joined[type] === undefined ? { type } : { type, path: `/proc/${monitor}/ns/${joined[type]}` },
      ),
    },
  };
}

function mountForCrun(mount: RuntimeMount): RuntimeMount {
  if (mount.source === "lichen:shm") {
    const options = ["nosuid", "noexec", "nodev", "mode=1777"];
    return { ...mount, type: "tmpfs", source: "shm", options };
  }
  // crun 1.8 opens what is read-only to the last as a directory ("Not a directory"); nothing is mounted below a file.
  if (mount.options.includes("rro") && statSync(mount.source).isFile()) {
    return { ...mount, options: mount.options.map((option) => (option === "rro" ? "ro" : option)) };
  }
  return mount;
}

/** Runs the image's only layer by crun as `spec` says, and gives what the inspector told; throws what crun says against it. */
export async function inspectedByCrun(
  spec: RuntimeSpec,
  name: string,
  place: CrunPlace,
): Promise<Inspection> {
  const { node } = place;
  const program = findPeer("crun");
  if (program === undefined) throw new Error("crun is not installed: skip with peersMissing()");
  const bundle = join(node.base, "crun", name);
  mkdirSync(join(bundle, "own"), { recursive: true });
  writeFileSync(join(bundle, "config.json"), JSON.stringify(forCrun(spec, place)));
  const layers = join(node.dataDir, "layers");
  const [layer, ...others] = readdirSync(layers);
  if (layer === undefined || others.length > 0) throw new Error("the inspector's image has one layer");
  // crun makes the mount that the root lies in private, which must not be the one that volumes are bound from: their propagation
  // would be gone. And a mount namespace of its own takes everything away at the end.
  const script = `
    mount -t tmpfs tmpfs "$2/own" && cp -a "$1" "$2/own/rootfs" || exit
    exec "$3" --root "$2/own/state" --cgroup-manager=disabled run --bundle "$2" "$4"`;
  const { status, stdout, stderr } = await node.lichen(
    ...["enter", "--", "unshare", "--mount", "--propagation", "slave"],
    ...["sh", "-c", script, "sh", join(layers, layer), bundle, program, name],
  );
  if (status !== 0) throw new Error(`crun ended with ${status}: ${stderr}`);
  rmSync(bundle, { recursive: true });
  return JSON.parse(stdout);
}
