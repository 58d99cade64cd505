import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "../support/wait.ts";

/** Where a peer finds its programs, and what it may use for itself. */
export interface PeerPlace {
  /** The folder that peers/install.sh filled. */
  programs: string;
  /** An empty folder of this run's own, owned by the user. */
  folder: string;
  /** A tmpfs folder for images and layers. */
  data: string;
  /** A delegated cgroup directory of this run's own. */
  cgroup: string;
  /** The command that serves the registry; it runs inside the peer's network namespace. */
  registry: readonly string[];
  registryPort: number;
}

export interface StartedPeer {
  /** Path of its CRI socket. */
  socket: string;
  stop(): Promise<void>;
}

const hosts = ["registry.k8s.io", "bench.invalid"];

/** Rootless containerd with crun, inside RootlessKit with slirp4netns and the CNI bridge: what its own documents recommend. */
export async function startContainerd(place: PeerPlace): Promise<StartedPeer> {
  const { folder } = place;
  for (const name of ["cni", "certs.d", "logs"]) mkdirSync(join(folder, name), { recursive: true });
  mkdirSync(join(place.cgroup, "init"), { recursive: true });
  writeFileSync(join(folder, "containerd.toml"), configuration(place));
  writeFileSync(join(folder, "cni/10-bench.conflist"), JSON.stringify(network(folder)));
  for (const host of hosts) writeMirror(join(folder, "certs.d", host), place.registryPort);
  const inner = join(folder, "inner.sh");
  writeFileSync(inner, innerScript(place));
  chmodSync(inner, 0o755);

  const path = `${place.programs}/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
  const enterCgroup = `echo $$ > ${place.cgroup}/cgroup.procs && exec "$@"`;
  const command = [
    join(place.programs, "bin/rootlesskit"),
    `--state-dir=${folder}/rootlesskit`,
    ...["--net=slirp4netns", "--mtu=65520", "--disable-host-loopback", "--port-driver=none"],
    ...["--copy-up=/etc", "--copy-up=/run", "--copy-up=/var/lib", "--copy-up=/opt", "--propagation=rslave"],
    ...["--cgroupns", "--pidns", "--ipcns", "--utsns", inner],
  ];
  const child = spawn("sh", ["-c", enterCgroup, "sh", ...command], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, PATH: path, XDG_RUNTIME_DIR: folder },
  });
  const socket = join(folder, "containerd.sock");
  await waitFor(() => connects(socket, child), 30_000, `containerd on ${socket}`);
  return { socket, stop: () => end(child) };
}

async function connects(path: string, child: ChildProcess): Promise<boolean> {
  if (child.exitCode !== null) throw new Error(`rootlesskit ended with status ${child.exitCode}`);
  const { connect } = await import("node:net");
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });
}

function writeMirror(directory: string, port: number): void {
  mkdirSync(directory, { recursive: true });
  const server = `http://127.0.0.1:${port}`;
  writeFileSync(
    join(directory, "hosts.toml"),
    `server = "${server}"\n[host."${server}"]\n  capabilities = ["pull", "resolve"]\n`,
  );
}

function innerScript(place: PeerPlace): string {
  return `#!/bin/sh
# Inside RootlessKit's namespaces: a cgroup tree of its own, the registry, containerd.
mount --make-rshared /
mount -t cgroup2 none /sys/fs/cgroup || exit 9
echo $$ > /sys/fs/cgroup/init/cgroup.procs
for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do echo +$controller > /sys/fs/cgroup/cgroup.subtree_control; done
rm -rf /run/netns /run/containerd; mkdir -p /run/netns /run/containerd
ip link set lo up
${place.registry.map((word) => `'${word}'`).join(" ")} >${place.folder}/registry.log 2>&1 &
exec containerd -c ${place.folder}/containerd.toml -l error >${place.folder}/containerd.log 2>&1
`;
}

function network(folder: string): object {
  const ipam = {
    type: "host-local",
    dataDir: `${folder}/ipam`,
    ranges: [[{ subnet: "10.88.0.0/16" }]],
    routes: [{ dst: "0.0.0.0/0" }],
  };
  return {
    cniVersion: "1.0.0",
    name: "bench",
    plugins: [
      { type: "bridge", bridge: "cni0", isGateway: true, ipMasq: true, promiscMode: true, ipam },
      { type: "portmap", capabilities: { portMappings: true } },
      { type: "firewall" },
      { type: "tuning" },
    ],
  };
}

function configuration(place: PeerPlace): string {
  const runtime = "plugins.'io.containerd.cri.v1.runtime'";
  return `version = 3
root = "${place.data}/root"
state = "${place.folder}/state"
[grpc]
  address = "${place.folder}/containerd.sock"
[ttrpc]
  address = "${place.folder}/containerd.sock.ttrpc"
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "registry.k8s.io/pause:3.10"
  [plugins.'io.containerd.cri.v1.images'.registry]
    config_path = "${place.folder}/certs.d"
[${runtime}]
  disable_apparmor = true
  restrict_oom_score_adj = true
  tolerate_missing_hugetlb_controller = true
  disable_hugetlb_controller = true
  [${runtime}.containerd]
    default_runtime_name = "crun"
    [${runtime}.containerd.runtimes.crun]
      runtime_type = "io.containerd.runc.v2"
      [${runtime}.containerd.runtimes.crun.options]
        BinaryName = "${place.programs}/bin/crun-without-resources"
        SystemdCgroup = false
        NoNewKeyring = true
  [${runtime}.cni]
    bin_dirs = ["${place.programs}/cni"]
    conf_dir = "${place.folder}/cni"
`;
}
