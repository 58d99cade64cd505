import { CgroupDriver } from "#cri";
import type { RuntimeRpc } from "../rpc.ts";

/**
 * How a kubelet is to name pods' cgroups: as systemd's slices where that is configured and the user's systemd answers, else as paths.
 * Kubelets since 1.34 do as this says, whatever their own configuration.
 */
export const runtimeConfig: RuntimeRpc<"RuntimeConfig"> = (_request, { config, node }) => {
  const systemd = config.cgroups.driver === "systemd" && (node.cgroup.manager?.socket ?? "") !== "";
  return { linux: { cgroupDriver: systemd ? CgroupDriver.SYSTEMD : CgroupDriver.CGROUPFS } };
};
