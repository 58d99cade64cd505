import { CgroupDriver } from "#cri";
import type { RuntimeRpc } from "../rpc.ts";

/** How a kubelet is to name pods' cgroups. lichen makes them itself in either case: its subtree is delegated, so no systemd is asked. */
export const runtimeConfig: RuntimeRpc<"RuntimeConfig"> = (_request, { config }) => ({
  linux: {
    cgroupDriver: config.cgroups.driver === "systemd" ? CgroupDriver.SYSTEMD : CgroupDriver.CGROUPFS,
  },
});
