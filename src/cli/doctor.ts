import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { RuntimeCondition } from "#cri";

/** One thing that was looked at. */
export interface Finding {
  what: string;
  ok: boolean;
  /** Without it lichen does not work at all. */
  essential: boolean;
  detail: string;
  /** The command that mends it; empty when nothing is to mend, or nothing can. */
  mend: string;
}

/** One trial as `lichen-launcher check` prints it: what this machine allows, found by trying. */
export interface Trial {
  id: string;
  ok: boolean;
  detail: string;
  hint: string;
}

/** Everything else is only needed for more than one id, limits, or a way out to the network. */
const essentialTrials = new Set(["kernel", "userns", "overlay"]);

export function machineFindings(trials: Trial[]): Finding[] {
  return trials.map(({ id, ok, detail, hint }) => ({
    what: id,
    ok,
    essential: essentialTrials.has(id),
    detail,
    mend: hint,
  }));
}

/** The daemon's conditions. The machine's own shortcomings, `lichen/CODE`, the trials show already. */
export function conditionFindings(conditions: RuntimeCondition[]): Finding[] {
  return conditions
    .filter(({ type }) => !type.startsWith("lichen/"))
    .map(({ type, status, reason, message }) => ({
      what: type,
      ok: status,
      essential: type === "RuntimeReady",
      detail: message || reason || (status ? "yes" : "no"),
      mend: "",
    }));
}

/** What the daemon knows of and what lies in its directories: any surplus outlived what it was made for. */
export interface Holdings {
  pods: number;
  containers: number;
  podDirectories: number;
  containerDirectories: number;
}

function entries(directory: string): number {
  try {
    return readdirSync(directory).length;
  } catch {
    // Made with the first pod or container.
    return 0;
  }
}

export function countDirectories(runtimeDir: string, dataDir: string): Omit<Holdings, "pods" | "containers"> {
  return {
    podDirectories: entries(join(runtimeDir, "pods")),
    containerDirectories: entries(join(dataDir, "containers")),
  };
}

export function leakFindings(holdings: Holdings): Finding[] {
  const compare = (what: string, directories: number, known: number): Finding => ({
    what: `${what} directories`,
    // A stopped pod keeps no run-time directory: fewer is as it should be.
    ok: directories <= known,
    essential: false,
    detail: `${directories} for ${known} ${what}s`,
    mend: directories <= known ? "" : "lichen serve (a restart removes what belongs to nothing)",
  });
  return [
    compare("pod", holdings.podDirectories, holdings.pods),
    compare("container", holdings.containerDirectories, holdings.containers),
  ];
}
