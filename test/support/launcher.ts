import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Captured, capture } from "./capture.ts";
import { dist } from "./node.ts";
import { slowness } from "./patience.ts";

const program = join(dist, "bin/lichen-launcher");

/** What the launcher says about the node: R/node.json. */
export interface NodeInfo {
  uid: number;
  gid: number;
  idMap: { single: boolean; uids: number[][]; gids: number[][] };
  uplink: {
    kind: string;
    interface: string;
    address: string;
    gateway: string;
    dns: string[];
    mtu: number;
    reason: string;
  };
  cgroup: {
    delegated: boolean;
    hostPath: string;
    controllers: string[];
    reason: string;
    manager?: { socket: string };
  };
  warnings: { code: string; message: string; hint: string }[];
}

/** Waits until `read` gives something; at most five seconds on a common machine. */
export async function eventually<T>(
  what: string | (() => string),
  read: () => T | undefined | false,
): Promise<T> {
  for (const began = Date.now(); Date.now() - began < 5000 * slowness; await sleep(10)) {
    const value = read();
    if (value !== undefined && value !== false) return value;
  }
  throw new Error(`timed out: ${typeof what === "string" ? what : what()}`);
}

export const isAlive = (pid: number): boolean =>
  existsSync(`/proc/${pid}/stat`) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));

/** Field 22 of /proc/PID/stat: with it a PID cannot be mistaken for a later process. */
export const startTime = (pid: number | "self"): string | undefined =>
  readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[19];

/** Which namespaces a process is in, by kind. */
export const namespacesOf = (pid: number | "self"): Record<string, string> =>
  Object.fromEntries(
    ["user", "mnt", "net", "cgroup", "pid", "ipc", "uts"].map((kind) => [
      kind,
      readlinkSync(`/proc/${pid}/ns/${kind}`),
    ]),
  );

/** One `lichen-launcher serve` with a stand-in for the daemon, in a runtime directory of its own. */
export class LauncherUnderTest {
  readonly base = mkdtempSync(join(tmpdir(), "lichen-launcher-"));
  readonly runtimeDir = join(this.base, "run");
  #process: ChildProcess | undefined;
  #log = "";

  /** Starts the launcher and waits for its daemon. */
  async serve(
    daemon: string[],
    options: { args?: string[]; env?: Record<string, string> } = {},
  ): Promise<this> {
    this.start(daemon, options);
    await eventually(
      () => `the daemon\n${this.#log}`,
      () => this.#process?.exitCode !== null || this.daemonPid() !== undefined,
    );
    if (this.#process?.exitCode !== null) throw new Error(`the launcher ended\n${this.#log}`);
    return this;
  }

  start(
    daemon: string[],
    { args = [], env = {} }: { args?: string[]; env?: Record<string, string> } = {},
  ): void {
    const directories = ["--runtime-dir", this.runtimeDir, "--data-dir", join(this.base, "data")];
    this.#process = spawn(program, ["serve", ...directories, ...args, "--", ...daemon], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.on("data", (text) => (this.#log += String(text)));
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  log(): string {
    return this.#log;
  }

  file(name: string): string {
    return join(this.runtimeDir, name);
  }

  read(name: string): string {
    return readFileSync(this.file(name), "utf8");
  }

  info(): NodeInfo {
    return JSON.parse(this.read("node.json")) as NodeInfo;
  }

  warnings(): string[] {
    return this.info().warnings.map(({ code }) => code);
  }

  /** The process that `daemon.pid`, `uplink.pid` or another such file means, while it lives. */
  pidIn(name: string): number | undefined {
    if (!existsSync(this.file(name))) return undefined;
    const [pid, started] = this.read(name).trim().split(" ");
    return isAlive(Number(pid)) && startTime(Number(pid)) === started ? Number(pid) : undefined;
  }

  daemonPid(): number | undefined {
    return this.pidIn("daemon.pid");
  }

  /** Waits for a daemon with another PID than `before`. */
  nextDaemon(before: number | undefined): Promise<number> {
    return eventually(
      () => `another daemon than ${before}\n${this.#log}`,
      () => {
        const pid = this.daemonPid();
        return pid !== undefined && pid !== before && pid;
      },
    );
  }

  enter(...command: string[]): Promise<Captured> {
    return LauncherUnderTest.run("enter", "--runtime-dir", this.runtimeDir, "--", ...command);
  }

  /** Standard output of a shell script in the namespaces. */
  async inside(script: string): Promise<string> {
    const { status, stdout, stderr } = await this.enter("/bin/sh", "-c", script);
    if (status !== 0) throw new Error(`${script}: status ${status}: ${stderr}`);
    return stdout;
  }

  /** Sends the signal and waits for the launcher's end: its exit status, or the name of the signal. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number | string> {
    const launcher = this.#process;
    if (!launcher) return 0;
    if (launcher.exitCode === null && launcher.signalCode === null) {
      launcher.kill(signal);
      await once(launcher, "exit");
    }
    return launcher.exitCode ?? launcher.signalCode ?? "";
  }

  /** Waits for an end that nobody asked for. */
  async ended(): Promise<number | string> {
    if (this.#process && this.#process.exitCode === null) await once(this.#process, "exit");
    return this.#process?.exitCode ?? "";
  }

  async cleanUp(): Promise<void> {
    await this.end();
    for (const name of ["daemon.pid", "uplink.pid", ...this.#monitors()]) {
      const pid = this.pidIn(name);
      if (pid !== undefined && pid !== process.pid) process.kill(pid, "SIGKILL");
    }
    if (existsSync(this.file("node.json"))) await this.#removeCgroup();
    rmSync(this.base, { recursive: true, force: true });
  }

  /** A launcher that was killed, or ended before its pods, leaves the cgroup to the next one. */
  async #removeCgroup(): Promise<void> {
    const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync("/proc/self/mounts", "utf8"))?.[1] ?? "";
    const { delegated, hostPath } = this.info().cgroup;
    const directory = join(mount, hostPath);
    if (!delegated || !existsSync(directory)) return;
    await eventually("an empty cgroup", () =>
      /^populated 0$/m.test(readFileSync(join(directory, "cgroup.events"), "utf8")),
    );
    for (const cgroup of [join(directory, "node"), directory]) rmdirSync(cgroup);
  }

  #monitors(): string[] {
    const pods = this.file("pods");
    return existsSync(pods) ? readdirSync(pods).map((pod) => join("pods", pod, "monitor.pid")) : [];
  }

  static run(...args: string[]): Promise<Captured> {
    return capture(program, args);
  }
}
