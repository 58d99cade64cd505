// Changes of limits with real controllers: all or nothing, for a container and for a pod.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { ContainerState, type LinuxContainerResources, type Outgoing } from "#cri";
import { type LichenNode, startNode } from "../support/node.ts";
import {
  containerStatus,
  eventually,
  exited,
  pullBusybox,
  runContainer,
  runPod,
  type TestPod,
} from "../support/pods.ts";
import { cgroupOf, pidOf } from "./support.ts";

const failedPrecondition = 9;
const mebibyte = 1024 * 1024;

let node: LichenNode;
let image: string;
let pod: TestPod;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
  pod = await runPod(node, "updated");
});
after(() => node?.stop());

/** Everything that can be written in a cgroup and is a limit or a weight, as it is now. */
function limitsOf(directory: string): Record<string, string> {
  const names = readdirSync(directory).filter((name) =>
    /\.(max|high|low|min|weight|cpus|mems|group|idle)$/.test(name),
  );
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(directory, name), "utf8").trim()]));
}

/** A change of every controller's, of which `last` is a part that only the kernel can refuse. */
const change = (last: Record<string, string>): Outgoing<LinuxContainerResources> => ({
  cpuShares: 2048,
  cpuQuota: 30_000,
  cpuPeriod: 100_000,
  cpusetCpus: "0",
  memoryLimitInBytes: 48 * mebibyte,
  memorySwapLimitInBytes: 56 * mebibyte,
  unified: { "pids.max": "44", "memory.high": String(40 * mebibyte), "io.weight": "default 200", ...last },
});
const refusals = [
  // No such device; no number; the limits file of no controller here; less than the kernel takes.
  [{ "io.max": "999:999 rbps=1048576" }, /io\.max.*ENODEV/],
  [{ "memory.low": "plenty" }, /memory\.low.*EINVAL/],
  [{ "cpu.weight.nice": "77" }, /cpu\.weight\.nice.*(ERANGE|EINVAL)/],
  [{ "memory.nonsense": "1" }, /memory\.nonsense.*(ENOENT|EACCES)/],
] as const;

test("a change of every limit of a container, of which the kernel refuses the last, leaves each as it was", async () => {
  const first = { memoryLimitInBytes: 64 * mebibyte, cpuShares: 512, unified: { "pids.max": "99" } };
  const id = await runContainer(node, pod, image, "kept", "exec sleep 100000", {
    linux: { resources: first },
  });
  const directory = cgroupOf(await pidOf(node, id));
  const [was, told] = [limitsOf(directory), (await containerStatus(node, id)).resources];
  for (const [last, details] of refusals) {
    const linux = change(last);
    await assert.rejects(node.client.updateContainerResources({ containerId: id, linux }), { details });
    assert.deepEqual(limitsOf(directory), was, Object.keys(last)[0]);
    assert.deepEqual((await containerStatus(node, id)).resources, told);
  }
  await node.client.updateContainerResources({ containerId: id, linux: change({}) });
  const now = limitsOf(directory);
  assert.deepEqual(
    ["cpu.max", "cpuset.cpus", "memory.max", "memory.swap.max", "memory.high", "pids.max", "io.weight"].map(
      (name) => now[name],
    ),
    [
      "30000 100000",
      "0",
      String(48 * mebibyte),
      String(8 * mebibyte),
      String(40 * mebibyte),
      "44",
      "default 200",
    ],
  );
  assert.notEqual(now["cpu.weight"], was["cpu.weight"]);
});

test("a set of CPUs that was nobody's choice is what it was after a refusal, though the kernel lets nobody empty it", async () => {
  const id = await runContainer(node, pod, image, "cpus", "exec sleep 100000");
  const directory = cgroupOf(await pidOf(node, id));
  const effective = () => readFileSync(join(directory, "cpuset.cpus.effective"), "utf8");
  const was = effective();
  const linux = { cpusetCpus: "0", cpusetMems: "9" };
  await assert.rejects(node.client.updateContainerResources({ containerId: id, linux }), {
    details: /cpuset_mems/,
  });
  assert.equal(effective(), was);
  await node.client.updateContainerResources({ containerId: id, linux: { cpusetCpus: "1" } });
  assert.equal(effective().trim(), "1");
});

test("the same of a pod as a whole", async () => {
  const own = await runPod(node, "whole");
  const id = await runContainer(node, own, image, "main", "exec sleep 100000");
  const directory = dirname(cgroupOf(await pidOf(node, id)));
  const was = limitsOf(directory);
  const told = async () =>
    (await node.client.podSandboxStatus({ podSandboxId: own.id, verbose: true })).info.info;
  const before = await told();
  for (const [last, details] of refusals) {
    const resources = change(last);
    await assert.rejects(node.client.updatePodSandboxResources({ podSandboxId: own.id, resources }), {
      details,
    });
    assert.deepEqual(limitsOf(directory), was, Object.keys(last)[0]);
    assert.equal(await told(), before);
  }
  await node.client.updatePodSandboxResources({ podSandboxId: own.id, resources: change({}) });
  const now = limitsOf(directory);
  assert.deepEqual(
    [now["memory.max"], now["pids.max"], now["cpu.max"]],
    [String(48 * mebibyte), "44", "30000 100000"],
  );
});

test("a pod's limit binds all of its containers: who goes beyond it is OOMKilled, without a limit of its own", async () => {
  const own = await runPod(node, "bound");
  const idle = await runContainer(node, own, image, "idle", "exec sleep 100000");
  const resources = {
    memoryLimitInBytes: 24 * mebibyte,
    memorySwapLimitInBytes: 24 * mebibyte,
  };
  await node.client.updatePodSandboxResources({ podSandboxId: own.id, resources });
  const hungry = await runContainer(node, own, image, "hungry", "exec tail /dev/zero");
  const { exitCode, reason } = await exited(node, hungry);
  assert.deepEqual([exitCode, reason], [137, "OOMKilled"]);
  assert.equal((await containerStatus(node, idle)).state, ContainerState.CONTAINER_RUNNING);
});

test("less memory than is held is refused, and nothing is killed", async () => {
  const script = `(yes $(printf %01000d 7) | dd bs=64k count=384 iflag=fullblock 2>/dev/null; exec sleep 100000) | tail -c ${24 * mebibyte}`;
  const id = await runContainer(node, pod, image, "held", script, {
    linux: { resources: { memoryLimitInBytes: 64 * mebibyte, memorySwapLimitInBytes: 64 * mebibyte } },
  });
  const directory = cgroupOf(await pidOf(node, id));
  const current = () => Number(readFileSync(join(directory, "memory.current"), "utf8"));
  await eventually(() => assert.ok(current() > 22 * mebibyte));
  const was = limitsOf(directory);
  const linux = { memoryLimitInBytes: 8 * mebibyte, memorySwapLimitInBytes: 8 * mebibyte, cpusetCpus: "1" };
  await assert.rejects(node.client.updateContainerResources({ containerId: id, linux }), {
    code: failedPrecondition,
    details: /in use and cannot be dropped/,
  });
  assert.deepEqual(limitsOf(directory), was);
  assert.match(readFileSync(join(directory, "memory.events"), "utf8"), /^oom_kill 0$/m);
});
