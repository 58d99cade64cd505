import { mkdirSync } from "node:fs";
import type { PodSandboxConfig } from "#cri";
import { within } from "../../errors.ts";
import { userSetup } from "../../native/monitor-wire.ts";
import type { PodRecord } from "../../store/pods.ts";
import { now, type PodContext, podDirectory } from "../context.ts";
import { newId } from "../ids.ts";
import { requireNodeIds, rootOf } from "../spec/user-namespace.ts";
import { Undo } from "../undo.ts";
import { removePodDirectory } from "./directory.ts";
import { writePodFiles } from "./files.ts";
import { podNamespace } from "./network.ts";
import { type CheckedPod, checkPod } from "./validate.ts";

const shmSize = 64 * 1024 * 1024;

/** RunPodSandbox: see PodService. */
export async function runPodSandbox(
  context: PodContext,
  config: PodSandboxConfig,
  runtimeHandler: string,
): Promise<string> {
  const checked = checkPod(config, runtimeHandler, context.security.selinux);
  if (checked.idMap !== undefined) requireNodeIds(checked.idMap, context.node.idMap);
  context.networks[checked.namespaces.network].check(config);
  const id = newId();
  const record: PodRecord = {
    id,
    state: "creating",
    createdAt: now(),
    runtimeHandler,
    config,
    ips: [],
    cgroup: context.cgroups.podPath(id, config.linux?.cgroupParent ?? ""),
    monitorPid: 0,
    reason: "",
  };
  context.pods.insert(record, checked.name);
  const undo = new Undo(context.log);
  undo.add("reserve the name", () => context.pods.delete(id));
  try {
    await context.locks.run(id, () => make(context, record, checked, undo));
    return id;
  } catch (error) {
    await undo.run();
    throw within("run pod sandbox", checked.name, error);
  }
}

async function make(context: PodContext, record: PodRecord, checked: CheckedPod, undo: Undo): Promise<void> {
  const { id, config, cgroup } = record;
  undo.add("open the host ports", () => context.hostPorts.unpublish(id));
  await context.hostPorts.reserve(id, checked.hostPorts);
  const { network, ipc, pid } = checked.namespaces;
  const directory = podDirectory(context, id);
  undo.add("make the directory", () => removePodDirectory(directory));
  mkdirSync(directory, { recursive: true, mode: 0o700 });

  undo.add("make the cgroup", () =>
    context.cgroups.removePod(cgroup, [context.cgroups.leafPath(cgroup, id)]),
  );
  const seat = context.cgroups.createSeat(cgroup, id);

  const driver = context.networks[network];
  const request = { sandboxId: id, config };
  undo.add("reserve the network", () => driver.release(id));
  const prepared = await driver.prepare(request);

  undo.add("start the monitor", () => context.monitors.end(id));
  const monitor = await context.monitors.start(id, directory, seat);
  const scope = await context.cgroups.makeScope(cgroup, id, monitor.pid);
  await monitor.setup({
    hostname: checked.hostname,
    network,
    ipc,
    pid,
    sysctls: checked.sysctls,
    shmSize,
    ...(scope === undefined ? {} : { scope }),
    ...(checked.idMap === undefined ? {} : { user: userSetup(checked.idMap) }),
    interface: prepared.interface ?? null,
  });

  const namespace = podNamespace(monitor.pid);
  undo.add("attach the network", () => driver.detach(request, namespace));
  const attachment = await driver.attach(request, namespace, prepared);
  await context.hostPorts.publish({ sandboxId: id, monitorPid: monitor.pid, ips: attachment.ips });
  writePodFiles(directory, config, {
    network,
    ips: attachment.ips,
    dns: attachment.dns,
    uplinkServers: context.node.uplink.dns,
    hostLoopback: context.node.uplink.hostLoopback === true ? context.node.uplink.gateway : undefined,
    owner: checked.idMap === undefined ? undefined : rootOf(checked.idMap),
  });
  context.pods.update(id, { state: "ready", ips: attachment.ips, monitorPid: monitor.pid });
}
