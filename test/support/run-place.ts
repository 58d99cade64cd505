// A place of its own for a run of tests, and what the run has left on the machine when it is over: anything is a leak.
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { entries, quietly, text } from "../../src/quiet-files.ts";
import { userNamespace } from "./leaks.ts";
import { slowness } from "./patience.ts";
import { removeTree } from "./remove-tree.ts";

/** What the names of everything have in common that tests, benchmarks and lichen itself make outside of a run's own place. Other runs' places have others. */
const ours = /^\.?(lichen|lb-)/;
/** Made by mkdtemp(3), by somebody who has another TMPDIR than this run. */
const temporary = /-[A-Za-z0-9]{6}$/;
/** Interfaces of lichen's, which belong into its own network. */
const interfaces = /^(lichen|lc[0-9a-f]{8})/;
/** Processes end, and the kernel takes cgroups and network namespaces apart, a little after what they were made for. */
const patienceMilliseconds = 5000 * slowness;

export class RunPlace {
  /** The directory for temporary files of everything in the run: everybody's TMPDIR. */
  readonly directory: string;
  readonly #before: ReadonlySet<string>;
  /** By name in the directory: the test file after which it was first seen. */
  readonly #makers = new Map<string, string>();

  /** Makes the place, and has every process that is started from now on use it. */
  constructor() {
    // A short name: the address of a Unix socket has 107 bytes.
    this.directory = mkdtempSync(join(tmpdir(), "lt-"));
    this.#before = new Set(this.#outside());
    process.env.TMPDIR = this.directory;
  }

  /** A test file has ended that was the only one at this time: what is there now and was not before is of its making. */
  ended(file: string): void {
    for (const name of entries(this.directory)) if (!this.#makers.has(name)) this.#makers.set(name, file);
  }

  /** What is left of the run: one line each, with the test file that it comes from where that is known. Waits for what is on its way out. */
  async leaks(patience = patienceMilliseconds): Promise<string[]> {
    for (const began = Date.now(); ; await sleep(100)) {
      const found = [
        ...this.processes().map(({ pid, command }) => `process ${pid}: ${command}`),
        ...entries(this.directory).map((name) => this.#described(name)),
        ...this.#outside().filter((thing) => !this.#before.has(thing)),
      ];
      if (found.length === 0 || Date.now() - began > patience) return found;
    }
  }

  /**
   * Processes that come of the run: by environment, command line or open files they lead into the place, or share the user namespace of
   * one that does, as containers do with their monitor.
   */
  processes(): { pid: number; command: string }[] {
    const all = entries("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
    const marked = all.filter((pid) => this.#leadsHere(pid));
    const own = userNamespace(process.pid);
    const namespaces = new Set(marked.map((pid) => userNamespace(Number(pid))));
    return all
      .filter((pid) => {
        const namespace = userNamespace(Number(pid));
        return marked.includes(pid) || (namespace !== "" && namespace !== own && namespaces.has(namespace));
      })
      .map((pid) => ({
        pid: Number(pid),
        command: text(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim(),
      }));
  }

  /** Ends what still runs and removes the place with all that is in it. */
  remove(): void {
    for (const { pid } of this.processes()) quietly(() => process.kill(pid, "SIGKILL"), false);
    quietly(() => removeTree(this.directory), undefined);
    quietly(() => rmSync(this.directory, { recursive: true, force: true }), undefined);
  }

  #leadsHere(pid: string): boolean {
    const words = [text(`/proc/${pid}/environ`), text(`/proc/${pid}/cmdline`)];
    const links = ["cwd", ...entries(`/proc/${pid}/fd`).map((number) => `fd/${number}`)];
    return (
      words.some((word) => word.includes(this.directory)) ||
      links.some((link) => quietly(() => readlinkSync(`/proc/${pid}/${link}`), "").startsWith(this.directory))
    );
  }

  #described(name: string): string {
    const maker = this.#makers.get(name);
    return `${join(this.directory, name)}${maker === undefined ? "" : `, first seen after ${maker}`}`;
  }

  /** Everything of lichen's outside of the place: directories, empty cgroups, mounts and interfaces; those of others who test at this time are in use. */
  #outside(): string[] {
    const uid = process.getuid?.();
    const folders = [dirname(this.directory), "/dev/shm", homedir(), process.env.XDG_RUNTIME_DIR ?? ""];
    const files = [...new Set(folders)].flatMap((folder) =>
      entries(folder)
        .filter((name) => ours.test(name) && !temporary.test(name))
        .map((name) => join(folder, name))
        .filter((path) => path !== this.directory && quietly(() => lstatSync(path).uid, -1) === uid),
    );
    const mounts = text("/proc/self/mountinfo")
      .split("\n")
      .map((line) => line.split(" ")[4] ?? "")
      .filter((point) => point.startsWith(this.directory));
    const links = entries("/sys/class/net").filter((name) => interfaces.test(name));
    return [
      ...files.filter((path) => !inUse(path)),
      ...emptyCgroups().map((path) => `cgroup ${path}`),
      ...mounts.map((point) => `mount ${point}`),
      ...links.map((name) => `network interface ${name}`),
    ];
  }
}

/** Whether a process's command line or environment names the path. */
function inUse(path: string): boolean {
  return entries("/proc")
    .filter((name) => /^\d+$/.test(name))
    .some((pid) =>
      [text(`/proc/${pid}/cmdline`), text(`/proc/${pid}/environ`)].some((word) => word.includes(path)),
    );
}

/** Cgroups without a process, beside the one that we are in. */
function emptyCgroups(): string[] {
  const own = /^0::(.*)$/m.exec(text("/proc/self/cgroup"))?.[1];
  const mount = text("/proc/self/mounts")
    .split("\n")
    .map((line) => line.split(" "))
    .find(([, , type]) => type === "cgroup2")?.[1];
  if (own === undefined || mount === undefined) return [];
  const above = join(mount, own.endsWith("/init") ? dirname(own) : own);
  return quietly(() => readdirSync(above, { withFileTypes: true }), [])
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(above, name))
    .filter((path) =>
      /^populated 0$/m.test(quietly(() => readFileSync(join(path, "cgroup.events"), "utf8"), "")),
    );
}
