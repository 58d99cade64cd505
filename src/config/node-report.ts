import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LichenError } from "../errors.ts";

/** Something the launcher found missing on this machine: what, and the command or step that mends it ("" if none does). */
export interface NodeWarning {
  /** Stable, as `SUBUID_MISSING`. */
  code: string;
  message: string;
  hint: string;
}

/** An extent of an id map: `[inside, outside, length]`. */
export type IdExtent = [number, number, number];

/** node.json: what the launcher made of this machine, written before the daemon starts. */
export interface NodeReport {
  version: 1;
  /** The plain user's ids on the host. */
  uid: number;
  gid: number;
  idMap: { single: boolean; uids: IdExtent[]; gids: IdExtent[] };
  uplink: {
    kind: "pasta" | "slirp4netns" | "none";
    interface: string;
    address: string;
    prefix: number;
    gateway: string;
    /** Whether the gateway's address leads to the host's own loopback. */
    hostLoopback?: boolean;
    dns: string[];
    mtu: number;
    /** Why there is none, or not the best one. */
    reason: string;
    /** Why the one that there was does not run at this moment: it has ended, and the launcher waits to start it again. "" when all is well. */
    down?: string;
  };
  cgroup: {
    delegated: boolean;
    hostPath: string;
    controllers: string[];
    reason: string;
    /** The user's systemd: where it answers, and the cgroup of its units on the host; empty, with the reason, where there is none. */
    manager?: { socket: string; hostPath: string; controllers: string[]; reason: string };
  };
  warnings: NodeWarning[];
}

/** Reads `<runtimeDir>/node.json`; NOT_FOUND when no launcher has been at work there. */
export function readNodeReport(runtimeDir: string): NodeReport {
  const file = join(runtimeDir, "node.json");
  try {
    const report: NodeReport = JSON.parse(readFileSync(file, "utf8"));
    if (report.version !== 1) throw new Error(`version ${report.version} is not 1`);
    return report;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new LichenError({
      code: missing ? "NOT_FOUND" : "INTERNAL",
      operation: "read node report",
      object: file,
      reason: missing ? "no such file" : (error as Error).message,
      hint: "start lichen with `lichen serve`: the launcher writes this file",
      cause: error,
    });
  }
}
