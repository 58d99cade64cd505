// Limits that the kernel really enforces.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { LinuxContainerResources, Outgoing } from "#cri";
import { type LichenNode, startNode } from "../support/node.ts";
import {
  containerStatus,
  eventually,
  exited,
  logOf,
  pullBusybox,
  runContainer,
  runPod,
  type TestPod,
} from "../support/pods.ts";
import { cgroupOf, delegation, pidOf } from "./support.ts";

const mebibyte = 1024 * 1024;

let node: LichenNode;
let image: string;
let pod: TestPod;

before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
  pod = await runPod(node, "limits");
});
after(() => node?.stop());

/** Starts a container with limits and gives its id and the directory of its cgroup. */
async function limited(name: string, resources: Outgoing<LinuxContainerResources>, script: string) {
  const id = await runContainer(node, pod, image, name, script, { linux: { resources } });
  return { id, directory: async () => cgroupOf(await pidOf(node, id)) };
}

const fileOf = async (container: { directory(): Promise<string> }, name: string) =>
  readFileSync(join(await container.directory(), name), "utf8").trim();

const logOfContainer = (name: string, stream: "stdout" | "stderr" = "stdout") =>
  logOf(join(pod.config.logDirectory ?? "", `${name}.log`), stream);

test("every controller is the node's", () => {
  const { delegated, controllers } = delegation(node);
  assert.equal(delegated, true);
  assert.deepEqual([...controllers].sort(), ["cpu", "cpuset", "io", "memory", "pids"]);
});

test("each limit is in the container's cgroup, and seen by the container", async () => {
  const resources = {
    memoryLimitInBytes: 64 * mebibyte,
    memorySwapLimitInBytes: 96 * mebibyte,
    cpuPeriod: 50_000,
    cpuQuota: 25_000,
    cpuShares: 1024,
    cpusetCpus: "1",
    cpusetMems: "0",
    unified: { "pids.max": "40", "memory.high": String(48 * mebibyte), "io.weight": "default 50" },
  };
  const container = await limited("every", resources, "exec sleep 1000");
  const wanted = {
    "memory.max": String(64 * mebibyte),
    "memory.high": String(48 * mebibyte),
    "memory.swap.max": String(32 * mebibyte),
    "cpu.max": "25000 50000",
    "cpu.weight": "100",
    "cpuset.cpus": "1",
    "cpuset.cpus.effective": "1",
    "cpuset.mems": "0",
    "pids.max": "40",
    "io.weight": "default 50",
  };
  for (const [name, value] of Object.entries(wanted))
    assert.equal(await fileOf(container, name), value, name);
  const cmd = ["cat", "/sys/fs/cgroup/memory.max"];
  const { stdout } = await node.client.execSync({ containerId: container.id, cmd, timeout: 60 });
  assert.equal(Buffer.from(stdout).toString().trim(), String(64 * mebibyte));
});

test("too much memory: OOMKilled, exit code 137, and the pod lives on", async () => {
  const resources = { memoryLimitInBytes: 16 * mebibyte, memorySwapLimitInBytes: 16 * mebibyte };
  // tail keeps a line until its end, which does not come.
  const { id } = await limited("hungry", resources, "exec tail /dev/zero");
  const status = await exited(node, id);
  assert.deepEqual([status.exitCode, status.reason], [137, "OOMKilled"]);
  const again = await limited("modest", resources, "echo alive");
  assert.equal((await exited(node, again.id)).exitCode, 0);
  assert.equal(logOfContainer("modest"), "alive\n");
});

test("a child that is killed for memory does not make its container OOMKilled unless the container ends by it", async () => {
  const resources = { memoryLimitInBytes: 16 * mebibyte, memorySwapLimitInBytes: 16 * mebibyte };
  const { id } = await limited("child", resources, "tail /dev/zero; echo child: $?; exec sleep 1000");
  await eventually(() => assert.match(logOfContainer("child"), /child: 137/));
  const status = await containerStatus(node, id);
  assert.equal(status.reason, "");
});

test("memory.oom.group: the whole container goes", async () => {
  const resources = {
    memoryLimitInBytes: 16 * mebibyte,
    memorySwapLimitInBytes: 16 * mebibyte,
    unified: { "memory.oom.group": "1" },
  };
  const { id } = await limited("group", resources, "tail /dev/zero; exec sleep 1000");
  const status = await exited(node, id);
  assert.deepEqual([status.exitCode, status.reason], [137, "OOMKilled"]);
});

test("the pids limit: fork fails", async () => {
  const { id } = await limited(
    "forks",
    { unified: { "pids.max": "8" } },
    "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1000 & done; wait",
  );
  await eventually(() => assert.match(logOfContainer("forks", "stderr"), /can't fork/));
  await node.client.stopContainer({ containerId: id, timeout: 0 });
});

test("the CPU quota: the kernel throttles", async () => {
  const container = await limited("busy", { cpuPeriod: 100_000, cpuQuota: 10_000 }, "while :; do :; done");
  const stat = async (key: string) =>
    Number(new RegExp(`^${key} (\\d+)$`, "m").exec(await fileOf(container, "cpu.stat"))?.[1]);
  await eventually(async () => assert.ok((await stat("nr_throttled")) > 5));
  const [began, used] = [process.hrtime.bigint(), await stat("usage_usec")];
  await eventually(() => assert.ok(process.hrtime.bigint() - began > 3_000_000_000n));
  const elapsed = Number(process.hrtime.bigint() - began) / 1000;
  const share = ((await stat("usage_usec")) - used) / elapsed;
  assert.ok(share < 0.2, `a tenth of a CPU is allowed, ${share.toFixed(2)} were used`);
  await node.client.stopContainer({ containerId: container.id, timeout: 0 });
});

test("a cpuset: the process runs there and nowhere else", async () => {
  const { id } = await limited("pinned", { cpusetCpus: "1" }, "grep Cpus_allowed_list /proc/self/status");
  assert.equal((await exited(node, id)).exitCode, 0);
  assert.match(logOfContainer("pinned"), /Cpus_allowed_list:\s+1\n/);
});

test("a value that the kernel refuses is an error, and leaves neither container nor cgroup", async () => {
  const before = (await node.client.listContainers({})).containers.length;
  await assert.rejects(limited("refused", { cpusetCpus: "0-99" }, "true"), {
    code: 3,
    details: /cpuset_cpus/,
  });
  assert.equal((await node.client.listContainers({})).containers.length, before);
});

test("the leaves go with their containers, and the pod's cgroup with the pod", async () => {
  const other = await runPod(node, "leaves");
  const id = await runContainer(node, other, image, "main", "exec sleep 1000", {
    linux: { resources: { memoryLimitInBytes: 16 * mebibyte } },
  });
  const leaf = cgroupOf(await pidOf(node, id));
  assert.ok(existsSync(leaf));
  await node.client.stopContainer({ containerId: id, timeout: 0 });
  await node.client.removeContainer({ containerId: id });
  assert.ok(!existsSync(leaf));
  await node.client.stopPodSandbox({ podSandboxId: other.id });
  await node.client.removePodSandbox({ podSandboxId: other.id });
  assert.ok(!existsSync(join(leaf, "..")));
});

test("limits of a running container change in the kernel at once, and hold", async () => {
  const container = await limited("changed", { memoryLimitInBytes: 64 * mebibyte }, "exec sleep 1000");
  const linux = { memoryLimitInBytes: 16 * mebibyte, memorySwapLimitInBytes: 16 * mebibyte, cpusetCpus: "0" };
  await node.client.updateContainerResources({ containerId: container.id, linux });
  assert.equal(await fileOf(container, "memory.max"), String(16 * mebibyte));
  assert.equal(await fileOf(container, "cpuset.cpus.effective"), "0");
  const cmd = ["tail", "/dev/zero"];
  const { exitCode } = await node.client.execSync({ containerId: container.id, cmd, timeout: 120 });
  assert.equal(exitCode, 137);
});

test("a change of which a part is refused changes nothing", async () => {
  const container = await limited("kept", { memoryLimitInBytes: 64 * mebibyte }, "exec sleep 1000");
  const linux = { memoryLimitInBytes: 32 * mebibyte, cpusetCpus: "0-99" };
  await assert.rejects(node.client.updateContainerResources({ containerId: container.id, linux }));
  assert.equal(await fileOf(container, "memory.max"), String(64 * mebibyte));
});
