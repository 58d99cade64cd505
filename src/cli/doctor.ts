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

/** What privileged containers do not get all the same, out of Status' verbose answer. Nothing is wrong with that, and nothing mends it. */
export function privilegeFindings(info: Record<string, string>): Finding[] {
  const { privileged } = JSON.parse(info.confinement ?? "{}") as {
    privileged?: { refused: { what: string }[] };
  };
  if (!privileged) return [];
  const refused = privileged.refused.map(({ what }) => what).join(", ");
  const detail = `root of a user namespace${refused === "" ? "" : `, without ${refused}`}`;
  return [{ what: "privileged containers", ok: true, essential: false, detail, mend: "" }];
}
