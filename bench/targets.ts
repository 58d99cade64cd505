import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connectCri } from "../proto/client.ts";
import { startNode } from "../test/support/node.ts";
import { startContainerd } from "./peers/containerd.ts";
import { cgroupMount, makeSibling, removeSibling } from "./support/cgroup.ts";
import { images, type Target } from "./support/target.ts";
import { waitFor } from "./support/wait.ts";

/** Where everything of one run lies. */
export interface Place {
  /** On a tmpfs: figures of disks vary threefold from run to run. */
  folder: string;
  /** The five-layer images. */
  images: string;
  /** What peers/install.sh made; undefined without peers. */
  peers: string | undefined;
}

export interface RunningTarget extends Target {
  /** "host:port" of its registry, where that is on the host side. */
  registry?: string;
  stop(): Promise<void>;
}

const registryScript = join(import.meta.dirname, "serve-registry.ts");

async function startRegistry(place: Place): Promise<{ host: string; process: ChildProcess }> {
  const child = spawn(process.execPath, [registryScript, "0", place.images], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const host = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding("utf8").once("data", (text: string) => resolve(text.trim()));
    child.once("exit", (status) => reject(new Error(`the registry ended with status ${status}`)));
  });
  return { host, process: child };
}

/** lichen as `npm run build` made it, with a registry on the host's loopback. */
export async function startLichen(place: Place): Promise<RunningTarget> {
  const registry = await startRegistry(place);
  const certs = join(place.folder, "lichen-certs.d");
  mkdirSync(join(certs, "registry.k8s.io"), { recursive: true });
  const server = `http://${registry.host}`;
  writeFileSync(
    join(certs, "registry.k8s.io/hosts.toml"),
    `server = "${server}"\n[host."${server}"]\n  capabilities = ["pull", "resolve"]\n`,
  );
  process.env.TMPDIR = place.folder;
  // A Node executable of its own: the pages of the one that runs this benchmark would be shared, and so count for less.
  const executable = join(place.folder, "node");
  copyFileSync(process.execPath, executable);
  const env = { LICHEN_NODE: executable };
  const node = await startNode({ env, config: `[images]\ncerts_directories = [${JSON.stringify(certs)}]\n` });
  const { cgroup } = JSON.parse(readFileSync(join(node.runtimeDir, "node.json"), "utf8"));
  const logs = join(node.base, "logs");
  mkdirSync(logs);
  await node.client.pullImage({ image: { image: images.busybox } });
  return {
    name: "lichen",
    client: node.client,
    cgroup: join(cgroupMount(), cgroup.hostPath),
    logs,
    handler: "",
    socket: join(node.runtimeDir, "lichen.sock"),
    insidePid: node.daemonPid(),
    processes: /lichen-(monitor|launcher)|lichen\.js|\/node /,
    daemon: () => node.daemonPid(),
    registry: registry.host,
    stop: async () => {
      await node.stop();
      registry.process.kill();
    },
  };
}

/** Rootless containerd and crun from Debian's packages, with a registry inside its network namespace. */
export async function startPeer(place: Place, peers: string): Promise<RunningTarget> {
  const folder = join(place.folder, "containerd");
  const cgroup = makeSibling(`bench-containerd-${process.pid}`);
  const logs = join(folder, "logs");
  const port = 5000;
  const peer = await startContainerd({
    programs: peers,
    folder,
    data: join(folder, "data"),
    cgroup,
    registryPort: port,
    registry: [process.execPath, registryScript, String(port), place.images, join(peers, "bin/pause")],
  });
  const client = connectCri(peer.socket);
  // Its registry starts at the same time inside the namespace.
  const pulled = () =>
    client.pullImage({ image: { image: images.busybox } }).then(
      () => true,
      () => false,
    );
  await waitFor(pulled, 30_000, "containerd's first pull");
  return {
    name: "containerd",
    client,
    cgroup,
    logs,
    handler: "crun",
    socket: peer.socket,
    insidePid: Number(readFileSync(join(folder, "rootlesskit/child_pid"), "utf8")),
    processes: /containerd/,
    stop: async () => {
      client.close();
      await peer.stop();
      await removeSibling(cgroup);
    },
  };
}
