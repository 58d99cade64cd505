import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CgroupDriver, NamespaceMode } from "#cri";
import { type LichenNode, startNode } from "../../support/node.ts";
import { containerStatus, createContainer, pullBusybox, runContainer, runPod } from "../../support/pods.ts";

const failedPrecondition = 9;
const limit = { memoryLimitInBytes: 64 * 1024 * 1024 };

interface Report {
  cgroup: { delegated: boolean; controllers: string[]; manager?: { socket: string } };
}
const reportOf = (node: LichenNode): Report =>
  JSON.parse(readFileSync(join(node.runtimeDir, "node.json"), "utf8"));
const cgroupOf = (pid: number) => /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1] ?? "";

test("a limit is enforced, or refused by the name of what is missing", async (t) => {
  const node = await startNode();
  t.after(() => node.stop());
  const image = await pullBusybox(node);
  const pod = await runPod(node, "limited");
  const create = () =>
    createContainer(node, pod, image, "main", "exec sleep 1000", { linux: { resources: limit } });
  if (reportOf(node).cgroup.controllers.includes("memory")) {
    const containerId = await create();
    await node.client.startContainer({ containerId });
    const cmd = ["cat", "/sys/fs/cgroup/memory.max"];
    const { stdout } = await node.client.execSync({ containerId, cmd, timeout: 10 });
    assert.equal(Buffer.from(stdout).toString().trim(), String(limit.memoryLimitInBytes));
    return;
  }
  await assert.rejects(create(), {
    code: failedPrecondition,
    details: /memory_limit_in_bytes main: .*delegated/,
  });
  assert.deepEqual((await node.client.listContainers({})).containers, []);
});

test("configured to warn, the container runs, and Status tells what does not hold", async (t) => {
  const node = await startNode({ config: '[cgroups]\nmissing = "warn"\n' });
  t.after(() => node.stop());
  if (reportOf(node).cgroup.controllers.includes("memory")) {
    t.skip("every controller is delegated here");
    return;
  }
  const image = await pullBusybox(node);
  const pod = await runPod(node, "warned");
  await runContainer(node, pod, image, "main", "exec sleep 1000", { linux: { resources: limit } });
  const { status } = await node.client.status({});
  const condition = status?.conditions.find(({ message }) => message.includes("memory_limit_in_bytes"));
  assert.equal(condition?.status, false);
  assert.match(node.log(), /memory_limit_in_bytes is not enforced/);
});

test("what Kubernetes always asks for keeps no container from running", async (t) => {
  const node = await startNode();
  t.after(() => node.stop());
  const image = await pullBusybox(node);
  const namespaceOptions = { pid: NamespaceMode.CONTAINER };
  const pod = await runPod(node, "shares", { linux: { securityContext: { namespaceOptions } } });
  const hugepageLimits = [{ pageSize: "2MB", limit: 0 }];
  const resources = { cpuShares: 102, cpuPeriod: 100_000, oomScoreAdj: 900, hugepageLimits };
  const id = await runContainer(node, pod, image, "main", "exec sleep 1000", {
    linux: { resources: { ...resources, unified: { "memory.oom.group": "1" } } },
  });
  const { stdout } = await node.client.execSync({
    containerId: id,
    cmd: ["cat", "/proc/1/oom_score_adj"],
    timeout: 10,
  });
  assert.equal(Buffer.from(stdout).toString().trim(), "900");
});

test("monitor and containers sit in cgroups of their own, which go with them", async (t) => {
  const node = await startNode();
  t.after(() => node.stop());
  if (!reportOf(node).cgroup.delegated) {
    t.skip("no cgroup2 subtree is delegated to this user");
    return;
  }
  const image = await pullBusybox(node);
  const pod = await runPod(node, "placed", { linux: { cgroupParent: "/pods/burstable/pod1" } });
  const id = await runContainer(node, pod, image, "main", "sleep 1000 & wait");
  const { info } = await node.client.containerStatus({ containerId: id, verbose: true });
  const { pid } = JSON.parse(info.info ?? "{}") as { pid: number };
  assert.match(cgroupOf(pid), new RegExp(`/pods/burstable/pod1/${id}$`));
  const { status } = await node.client.podSandboxStatus({ podSandboxId: pod.id });
  assert.equal(status?.state, 0);
  await node.client.stopContainer({ containerId: id, timeout: 0 });
  assert.equal((await containerStatus(node, id)).exitCode, 137);
  assert.throws(() => readFileSync(`/proc/${pid}/cgroup`), "no process of it is left");
});

test("a pod in a slice is where systemd would put it", async (t) => {
  const node = await startNode({ config: '[cgroups]\ndriver = "systemd"\n' });
  t.after(() => node.stop());
  if (!reportOf(node).cgroup.delegated) {
    t.skip("no cgroup2 subtree is delegated to this user");
    return;
  }
  const image = await pullBusybox(node);
  const pod = await runPod(node, "sliced", { linux: { cgroupParent: "kubepods-besteffort-pod1.slice" } });
  const id = await runContainer(node, pod, image, "main", "exec sleep 1000");
  const { info } = await node.client.containerStatus({ containerId: id, verbose: true });
  const { pid } = JSON.parse(info.info ?? "{}") as { pid: number };
  const expected = `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1.slice/${id}`;
  assert.ok(cgroupOf(pid).endsWith(expected), cgroupOf(pid));
  const { socket = "" } = reportOf(node).cgroup.manager ?? {};
  const driver = socket === "" ? CgroupDriver.CGROUPFS : CgroupDriver.SYSTEMD;
  assert.equal((await node.client.runtimeConfig({})).linux?.cgroupDriver, driver);
});
