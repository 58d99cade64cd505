import { CgroupDriver } from "#cri";
import type { RuntimeRpc } from "../rpc.ts";

/** lichen writes cgroup files itself: no systemd is asked, so a kubelet must not ask it either. */
export const runtimeConfig: RuntimeRpc<"RuntimeConfig"> = () => ({
  linux: { cgroupDriver: CgroupDriver.CGROUPFS },
});
