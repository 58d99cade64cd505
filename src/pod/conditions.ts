import { readNodeReport } from "../config/node-report.ts";
import type { NetworkDriver, NetworkLack } from "../network/driver.ts";
import { quietly } from "../quiet-files.ts";
import type { Setting } from "../resources/limits.ts";
import type { Condition, Log, PodServiceOptions } from "./types.ts";

/** Why the node's uplink does not run at this moment, as the launcher notes it; "" when it does, or there is none. */
export function uplinkDown(runtimeDir: string): string {
  return quietly(() => readNodeReport(runtimeDir).uplink.down ?? "", "");
}

/** What a person should know about pods on this node, kept for Status. */
export class Conditions {
  readonly #log: Log;
  readonly #unenforced = new Set<string>();
  /** Why pods in slices are nested in lichen's own cgroup; "" where they are not. */
  readonly #noSystemd: string;

  constructor(log: Log, { node, config }: Pick<PodServiceOptions, "node" | "config">) {
    this.#log = log;
    const { socket, reason } = node.cgroup.manager ?? { socket: "", reason: "" };
    const unfulfilled = config.cgroups.driver === "systemd" && socket === "";
    this.#noSystemd = unfulfilled ? reason || "the launcher that runs knows none" : "";
  }

  /** A container runs without something that was asked for. */
  unenforced(setting: Setting, object: string): void {
    const level = setting.kind === "limit" ? "warn" : "debug";
    this.#log[level](
      { container: object },
      `${setting.asked} is not enforced: no cgroup controller ${setting.controller}`,
    );
    this.#unenforced.add(setting.asked);
  }

  /**
   * `NetworkReady` first, then what else there is to say. `uplinkDown`: why the node has no way out at this moment that it should have, or
   * ""; `portLacks`: what host ports do without.
   */
  list(
    network: Pick<NetworkDriver, "state">,
    uplinkDown: string,
    portLacks: readonly NetworkLack[] = [],
  ): Condition[] {
    const state = network.state();
    const { ready, reason, message } =
      state.ready && uplinkDown !== "" ? { ready: false, reason: "UplinkDown", message: uplinkDown } : state;
    const lacks = [...(state.lacks ?? []), ...portLacks];
    const conditions: Condition[] = [
      { type: "NetworkReady", ok: ready, reason, message },
      ...lacks.map((lack) => ({ ...lack, ok: false })),
    ];
    if (this.#unenforced.size > 0) {
      const names = [...this.#unenforced].sort().join(", ");
      conditions.push({
        type: "ResourcesEnforced",
        ok: false,
        reason: "ControllersMissing",
        message: `containers run without what was asked for: ${names}; lichen doctor says how to have the controllers delegated`,
      });
    }
    if (this.#noSystemd !== "") {
      conditions.push({
        type: "SystemdSlices",
        ok: false,
        reason: "NoUserManager",
        message: `pods with a slice as their parent are nested in lichen's own cgroup, out of reach of the slice's limits: ${this.#noSystemd}`,
      });
    }
    return conditions;
  }
}
