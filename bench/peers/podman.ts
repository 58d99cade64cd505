import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { timed } from "../support/statistics.ts";
import { images } from "../support/target.ts";

const command = ["sleep", "1000000"];
const container = "bench";

/** Podman as a person uses it: one command line for each step, with slirp4netns for the network. It speaks no CRI. */
export class Podman {
  readonly name = "podman";
  readonly #program: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #registry: string;
  readonly #folder: string;

  /** `registry`: "host:port" of the one that has the images. */
  constructor(place: { program: string; env: NodeJS.ProcessEnv; folder: string }, registry: string) {
    this.#program = place.program;
    this.#env = place.env;
    this.#folder = place.folder;
    this.#registry = registry;
  }

  /** Milliseconds of `podman run -d`, and of that with `podman rm -f`. */
  async life(): Promise<{ up: number; whole: number }> {
    const [up] = await timed(() => this.start());
    const [down] = await timed(() => this.end());
    return { up, whole: up + down };
  }

  /** Milliseconds of `podman run -d` and `podman rm -f` on a network: `bridge` is netavark's, with slirp4netns behind it. */
  async networkLife(network: "bridge" | "host"): Promise<{ up: number; down: number }> {
    const image = this.#image(images.busybox);
    const [up] = await timed(() =>
      this.#run("run", "-d", "--name", container, "--network", network, image, ...command),
    );
    const [down] = await timed(() => this.end());
    return { up, down };
  }

  start(): Promise<void> {
    return this.#run("run", "-d", "--name", container, this.#image(images.busybox), ...command);
  }

  end(): Promise<void> {
    return this.#run("rm", "-f", "-t", "0", container);
  }

  /** Milliseconds of `podman exec`. */
  async exec(): Promise<number> {
    return (await timed(() => this.#run("exec", container, "true")))[0];
  }

  /** Milliseconds of `podman pull`; the image is removed again. */
  async pull(image: string): Promise<number> {
    const [milliseconds] = await timed(() => this.#run("pull", "--quiet", this.#image(image)));
    await this.#run("rmi", this.#image(image));
    return milliseconds;
  }

  /** Removes everything, files of subordinate ids from within podman's namespaces, and ends the process that keeps those. */
  async stop(): Promise<void> {
    const data = join(this.#folder, "data");
    // Its storage is mounted onto itself in there.
    await this.#run("unshare", "sh", "-c", `umount -l "${data}/overlay"; rm -rf "${data}"`);
    process.kill(Number(readFileSync(join(this.#folder, "run/libpod/tmp/pause.pid"), "utf8")));
  }

  /** The registry serves the same images under its own address. */
  #image(name: string): string {
    return `${this.#registry}/${name}`;
  }

  #run(...args: string[]): Promise<void> {
    const child = spawn(this.#program, args, { env: this.#env, stdio: ["ignore", "ignore", "pipe"] });
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", (status) =>
        status === 0 ? resolve() : reject(new Error(`podman ${args.join(" ")}: ${errors.trim()}`)),
      );
    });
  }
}

/** Podman with crun, or with runc where crun does not start containers (it refuses hybrid cgroup hierarchies). */
export async function startPodman(folder: string, peers: string, registry: string): Promise<Podman> {
  const failures: string[] = [];
  for (const runtime of ["crun", "runc"]) {
    const podman = new Podman(configure(folder, peers, runtime, registry), registry);
    try {
      await podman.pull(images.busybox);
      await podman.life();
      return podman;
    } catch (error) {
      failures.push(`${runtime}: ${error instanceof Error ? error.message : String(error)}`);
      await podman.stop();
    }
  }
  throw new Error(`podman starts no container here: ${failures.join("; ")}`);
}

/** Configuration files of its own, so that nothing of the user's counts. `way`: the program behind podman's networks. */
export function configure(
  base: string,
  peers: string,
  runtime: string,
  registry: string,
  way: "slirp4netns" | "pasta" = "slirp4netns",
) {
  const folder = join(base, `podman-${runtime}`);
  const configuration = join(folder, "config/containers");
  const run = join(folder, "run");
  for (const directory of [configuration, run]) mkdirSync(directory, { recursive: true });
  const bin = join(peers, "bin");
  const files = {
    "containers.conf": `[engine]
conmon_path = ["${bin}/conmon"]
helper_binaries_dir = ["${bin}", "${peers}/root/usr/lib/podman", "${peers}/root/usr/libexec/podman", "/usr/bin"]
runtime = "${runtime}"
events_logger = "file"
cgroup_manager = "cgroupfs"
[engine.runtimes]
${runtime} = ["${bin}/${runtime}"]
[network]
default_rootless_network_cmd = "${way}"
[containers]
netns = "${way}"
`,
    "storage.conf": `[storage]\ndriver = "overlay"\ngraphroot = "${folder}/data"\nrunroot = "${run}/containers"\n`,
    "registries.conf": `[[registry]]\nlocation = "${registry}"\ninsecure = true\n`,
    "policy.json": '{"default": [{"type": "insecureAcceptAnything"}]}',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(configuration, name), text);
  const env = {
    ...process.env,
    PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin`,
    XDG_CONFIG_HOME: join(folder, "config"),
    XDG_RUNTIME_DIR: run,
    CONTAINERS_CONF: join(configuration, "containers.conf"),
    CONTAINERS_REGISTRIES_CONF: join(configuration, "registries.conf"),
    CONTAINERS_STORAGE_CONF: join(configuration, "storage.conf"),
    PODMAN_IGNORE_CGROUPSV1_WARNING: "1",
  };
  return { program: join(bin, "podman"), env, folder };
}
