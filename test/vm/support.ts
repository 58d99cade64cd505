// What several of the VM's tests use: the user's systemd, the administrator's commands, and cgroups seen from the node's side.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { LichenNode } from "../support/node.ts";
import { eventually } from "../support/pods.ts";

const exec = promisify(execFile);

/** Runs a shell command line to its end and gives its output; fails with what it said when its status is not 0. */
export async function shell(line: string): Promise<string> {
  const { stdout } = await exec("bash", ["-c", line]);
  return stdout;
}

/** As `shell`, as the administrator. */
export const administrator = (line: string): Promise<string> =>
  exec("sudo", ["bash", "-c", line]).then(({ stdout }) => stdout);

/** Starts the user's systemd anew, as a log-out of everything and a new log-in do, and waits until it answers. */
export async function restartUserManager(): Promise<void> {
  await administrator(`systemctl restart user@${process.getuid?.()}.service`);
  await eventually(() => shell("systemctl --user is-system-running --wait || [ $? -eq 1 ]"));
}

/** The cgroup of a process, as a directory. */
export function cgroupOf(pid: number): string {
  const path = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1] ?? "";
  return join("/sys/fs/cgroup", path);
}

/** The host's PID of a container's first process. */
export async function pidOf(node: LichenNode, containerId: string): Promise<number> {
  const { info } = await node.client.containerStatus({ containerId, verbose: true });
  return (JSON.parse(info.info ?? "{}") as { pid: number }).pid;
}

/** What launcher and node say about the cgroup that is theirs. */
export function delegation(node: LichenNode): {
  delegated: boolean;
  controllers: string[];
  hostPath: string;
} {
  return JSON.parse(readFileSync(join(node.runtimeDir, "node.json"), "utf8")).cgroup;
}
