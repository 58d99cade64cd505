/** A node whose containers run the inspector (test/fixtures/inspector.c), made as a `Wish` says. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CreateContainerResponse, NamespaceMode } from "#cri";
import { type Inspection, inspectorImage } from "../fixtures/image-inspector.ts";
import { Registry } from "../fixtures/registry.ts";
import { probesOf, type Surroundings } from "./config-oracle.ts";
import { type LichenNode, startNode } from "./node.ts";
import { exited, logOf, runPod, type TestPod } from "./pods.ts";
import { toConfig, type Wish } from "./random-config.ts";

export interface InspectorNode {
  node: LichenNode;
  image: string;
  /** What wishes mount. */
  sources: Record<"directory" | "file", string>;
}

export async function startInspectorNode(): Promise<InspectorNode> {
  const node = await startNode();
  const registry = await Registry.start();
  registry.push("library/inspector", await inspectorImage(), "latest");
  const image = `${registry.host}/library/inspector:latest`;
  await node.client.pullImage({ image: { image } });
  const sources = { directory: join(node.base, "directory"), file: join(node.base, "file") };
  mkdirSync(sources.directory);
  chmodSync(sources.directory, 0o777);
  writeFileSync(sources.file, "text");
  chmodSync(sources.file, 0o666);
  return { node, image, sources };
}

export function inspectorPod(
  node: LichenNode,
  pid: "pod" | "container",
  ownUsers: boolean,
): Promise<TestPod> {
  const ids = [{ containerId: 0, hostId: 65_536, length: 65_536 }];
  const namespaceOptions = {
    pid: pid === "pod" ? NamespaceMode.POD : NamespaceMode.CONTAINER,
    ...(ownUsers ? { usernsOptions: { mode: NamespaceMode.POD, uids: ids, gids: ids } } : {}),
  };
  const sysctls = { "net.ipv4.ip_unprivileged_port_start": "7" };
  return runPod(node, `random-${pid}-${ownUsers}`, {
    linux: { sysctls, securityContext: { namespaceOptions, privileged: true } },
  });
}

/** The pod's monitor, whose namespaces are the pod's. */
export async function monitorOf(node: LichenNode, pod: TestPod): Promise<number> {
  const { info } = await node.client.podSandboxStatus({ podSandboxId: pod.id, verbose: true });
  return Number(JSON.parse(info.info ?? "{}").pid);
}

export async function surroundings(node: LichenNode, pod: TestPod): Promise<Surroundings> {
  const monitor = await monitorOf(node, pod);
  const names = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];
  const limits = readFileSync(`/proc/${node.launcherPid}/limits`, "utf8");
  return {
    lastCapability: Number(readFileSync("/proc/sys/kernel/cap_last_cap", "utf8")),
    oomScoreAdj: Number(readFileSync(`/proc/${node.daemonPid()}/oom_score_adj`, "utf8")),
    hostname: String(pod.config.hostname),
    openFiles: (/^Max open files\s+(\d+)\s+(\d+)/m.exec(limits) ?? []).slice(1).map(Number),
    portStart: "7",
    pod: Object.fromEntries(names.map((name) => [name, readlinkSync(`/proc/${monitor}/ns/${name}`)])),
  };
}

/** Makes, without starting it, the container that was wished. */
export function createInspector(
  { node, image, sources }: InspectorNode,
  pod: TestPod,
  name: string,
  wish: Wish,
): Promise<CreateContainerResponse> {
  const wished = toConfig(wish, sources);
  const probes = wish.wrong === undefined ? probesOf(wish) : [];
  const config = { ...wished, args: [...(wished.args ?? []), ...probes] };
  return node.client.createContainer({
    podSandboxId: pod.id,
    sandboxConfig: pod.config,
    config: { metadata: { name, attempt: 0 }, image: { image }, logPath: `${name}.log`, ...config },
  });
}

/** Runs it to its end, removes it, and gives what it told. */
export async function inspected(
  { node }: InspectorNode,
  pod: TestPod,
  name: string,
  containerId: string,
): Promise<Inspection> {
  await node.client.startContainer({ containerId });
  const { exitCode } = await exited(node, containerId);
  const inspection: Inspection = JSON.parse(logOf(join(pod.config.logDirectory as string, `${name}.log`)));
  await node.client.removeContainer({ containerId });
  assert.equal(exitCode, 0);
  return inspection;
}
