import assert from "node:assert/strict";
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";

/** Of a node, what counting looks at. */
export interface CountedNode {
  runtimeDir: string;
  dataDir: string;
  base: string;
  namespaces: HeldNamespaces;
  daemonPid(): number;
}

/** What must be the same before and after something that cleans up behind itself. */
export interface Counts {
  /** Descriptors of the daemon, and what they lead to. */
  fds: number;
  mounts: number;
  processes: number;
  /** Network interfaces of the node's namespace. */
  links: string[];
  cgroups: string[];
  /** Names below the runtime and data directories that stand for pods, containers and layers. */
  directories: string[];
}

const quietly = <T>(read: () => T, otherwise: T): T => {
  try {
    return read();
  } catch {
    // A process may end while it is looked at.
    return otherwise;
  }
};

/** The user namespace of a process: every process of a node shares the daemon's, but for launcher and uplink. */
export const userNamespace = (pid: number): string => quietly(() => readlinkSync(`/proc/${pid}/ns/user`), "");

/**
 * User namespaces by their names, held open: the kernel gives the number of one that has died to the next one at once, of another node
 * perhaps, whose processes would be taken for this node's and killed.
 */
export class HeldNamespaces {
  readonly #descriptors = new Map<string, number>();

  /** That of a process; nothing of one that has ended meanwhile. */
  add(pid: number): void {
    const descriptor = quietly(() => openSync(`/proc/${pid}/ns/user`, "r"), -1);
    if (descriptor < 0) return;
    const name = readlinkSync(`/proc/self/fd/${descriptor}`);
    // Of a process with a reused id: everything of this user would be the node's.
    const notTheNodes = name === userNamespace(process.pid);
    if (notTheNodes || this.#descriptors.has(name)) closeSync(descriptor);
    else this.#descriptors.set(name, descriptor);
  }

  has(name: string): boolean {
    return this.#descriptors.has(name);
  }

  /** Lets go of all of them. */
  clear(): void {
    for (const descriptor of this.#descriptors.values()) closeSync(descriptor);
    this.#descriptors.clear();
  }
}

/**
 * Processes in one of the user `namespaces` of a node, or whose command line or environment names a path below its `base`; this one
 * excepted. Monitors and containers carry no path, launcher and uplink are outside: so both are looked for.
 */
export function processesOf(base: string, namespaces: HeldNamespaces): { pid: number; command: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((name) => ({
      pid: Number(name),
      command: quietly(() => readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim(), ""),
      environment: quietly(() => readFileSync(`/proc/${name}/environ`, "utf8"), ""),
    }))
    .filter(
      ({ pid, command, environment }) =>
        command.includes(base) || environment.includes(base) || namespaces.has(userNamespace(pid)),
    )
    .map(({ pid, command }) => ({ pid, command }));
}

function descendants(directory: string): string[] {
  const entries = quietly(() => readdirSync(directory, { withFileTypes: true }), []);
  return entries
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => [name, ...descendants(join(directory, name)).map((below) => join(name, below))]);
}

/** Counts what the node holds at this moment. */
export function count(node: CountedNode): Counts {
  const proc = `/proc/${node.daemonPid()}`;
  const links = readFileSync(`${proc}/net/dev`, "utf8")
    .split("\n")
    .slice(2)
    .map((line) => line.split(":")[0]?.trim() ?? "")
    .filter(Boolean);
  const places = [
    join(node.runtimeDir, "pods"),
    join(node.dataDir, "layers"),
    join(node.dataDir, "containers"),
    join(node.dataDir, "shifted"),
  ];
  return {
    fds: readdirSync(`${proc}/fd`).length,
    mounts: readFileSync(`${proc}/mountinfo`, "utf8").split("\n").length,
    processes: processesOf(node.base, node.namespaces).length,
    links: links.sort(),
    cgroups: descendants(`${proc}/root/sys/fs/cgroup`).sort(),
    directories: places
      .flatMap((place) => quietly(() => readdirSync(place).map((name) => join(place, name)), []))
      .sort(),
  };
}

/** What the node holds when nothing changes any more. */
export async function settled(node: CountedNode): Promise<Counts> {
  for (let last = count(node); ; ) {
    await sleep(300);
    const now = count(node);
    if (isDeepStrictEqual(now, last)) return now;
    last = now;
  }
}

/** Throws when the node holds more than `before`. Less it may hold: a pull's idle connections to its registry end sometime, too. */
export function expectNoMore(node: CountedNode, before: Counts): void {
  const now = count(node);
  assert.ok(now.fds <= before.fds, `${now.fds} descriptors, ${before.fds} before`);
  assert.ok(now.processes <= before.processes, `${now.processes} processes, ${before.processes} before`);
  const { mounts, links, cgroups, directories } = now;
  assert.deepEqual({ ...before, mounts, links, cgroups, directories }, before);
}
