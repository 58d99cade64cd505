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
