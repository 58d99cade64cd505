// A user's systemd for machines that have none: fake-manager.ts in a cgroup of its own below that of this process.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./pods.ts";

/** Where the cgroup2 hierarchy is mounted; "" where it is not. */
export const cgroupMount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync("/proc/self/mounts", "utf8"))?.[1] ?? "";

/** The cgroup of a process, as a directory. */
export const cgroupOf = (pid: number | "self"): string =>
  join(cgroupMount, /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1] ?? "");

/** Removes a cgroup in which nobody is, and those below. */
export function removeCgroups(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) removeCgroups(join(directory, entry.name));
  rmdirSync(directory);
}

export class StandInManager {
  /** The cgroup of its units. */
  readonly root: string;
  /** For who is to find it. */
  readonly env: { XDG_RUNTIME_DIR: string };
  readonly #process: ChildProcess;

  /** Starts it, or says why it cannot be. */
  static async start(): Promise<StandInManager | string> {
    if (cgroupMount === "") return "no cgroup2 is mounted";
    const root = join(cgroupOf("self"), `manager-${process.pid}`);
    try {
      mkdirSync(root);
    } catch (error) {
      return `no cgroup is delegated to this user (${(error as Error).message})`;
    }
    const runtime = mkdtempSync(join(tmpdir(), "lichen-user-"));
    mkdirSync(join(runtime, "systemd"));
    const program = join(import.meta.dirname, "fake-manager.ts");
    const child = spawn(process.execPath, [program, root, join(runtime, "systemd/private")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    return new StandInManager(root, runtime, child);
  }

  private constructor(root: string, runtime: string, child: ChildProcess) {
    this.root = root;
    this.env = { XDG_RUNTIME_DIR: runtime };
    this.#process = child;
  }

  /** Ends its process, as if it had crashed. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill("SIGKILL");
    await once(this.#process, "exit");
  }

  /** Ends it and removes its cgroup, in which nobody may be any more. */
  async end(): Promise<void> {
    await this.kill();
    rmSync(this.env.XDG_RUNTIME_DIR, { recursive: true });
    await eventually(() => removeCgroups(this.root));
  }
}
