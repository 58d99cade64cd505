import type { NetworkDriver } from "../network/driver.ts";
import type { Setting } from "../resources/limits.ts";
import type { Condition, Log, PodServiceOptions } from "./types.ts";

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

  /** `NetworkReady` first, then what else there is to say. */
  list(network: Pick<NetworkDriver, "state">): Condition[] {
    const { ready, reason, message } = network.state();
    const conditions: Condition[] = [{ type: "NetworkReady", ok: ready, reason, message }];
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
