import { CgroupDriver } from "#cri";
import type { RuntimeRpc } from "../rpc.ts";

/** How a kubelet is to name pods' cgroups, as configured. Slices are the user's systemd's; Status says where none answers. */
export const runtimeConfig: RuntimeRpc<"RuntimeConfig"> = (_request, { config }) => ({
  linux: {
    cgroupDriver: config.cgroups.driver === "systemd" ? CgroupDriver.SYSTEMD : CgroupDriver.CGROUPFS,
  },
});
