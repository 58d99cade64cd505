import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { NamespaceMode } from "#cri";
import { type LichenNode, startNode } from "../../support/node.ts";
import {
  containerStatus,
  createContainer,
  exited,
  pullBusybox,
  runContainer,
  runPod,
  type TestPod,
} from "../../support/pods.ts";

const [invalidArgument, notFound, failedPrecondition] = [3, 5, 9];

let node: LichenNode;
let image: string;
let pod: TestPod;
let containerId: string;
let controllers: string[];
/** A delegated cgroup with controllers, empty of processes, for machines where the tests' own has none. */
const cgroup = process.env.LICHEN_TEST_CGROUP ?? "auto";
before(async () => {
  node = await startNode({ config: `[cgroups]\nsubtree = ${JSON.stringify(cgroup)}\n` });
  image = await pullBusybox(node);
  const namespaceOptions = { pid: NamespaceMode.CONTAINER };
  pod = await runPod(node, "updated", { linux: { securityContext: { namespaceOptions } } });
  containerId = await runContainer(node, pod, image, "main", "exec sleep 1000");
  controllers = JSON.parse(readFileSync(join(node.runtimeDir, "node.json"), "utf8")).cgroup.controllers;
});
after(() => node.stop());

const mebi = 1024 * 1024;
/** By controller: a change, the file it is written to, and what is there before and after. */
const changes = [
  {
    controller: "memory",
    linux: { memoryLimitInBytes: 64 * mebi },
    file: "memory.max",
    is: String(64 * mebi),
  },
  { controller: "cpu", linux: { cpuQuota: 5000, cpuPeriod: 10_000 }, file: "cpu.max", is: "5000 10000" },
  { controller: "pids", linux: { unified: { "pids.max": "50" } }, file: "pids.max", is: "50" },
  {
    controller: "hugetlb",
    linux: { hugepageLimits: [{ pageSize: "2MB", limit: 4 * mebi }] },
    file: "hugetlb.2MB.max",
    is: String(4 * mebi),
  },
];

async function inContainer(...cmd: string[]): Promise<string> {
  const { stdout, stderr } = await node.client.execSync({ containerId, cmd, timeout: 20 });
  return Buffer.concat([stdout, stderr]).toString().trim();
}

test("limits of a running container change in the kernel at once, and status tells them", async (t) => {
  for (const { controller, linux, file, is } of changes) {
    await t.test(controller, async (t) => {
      if (!controllers.includes(controller)) {
        const limited = { containerId, linux };
        await assert.rejects(node.client.updateContainerResources(limited), { code: failedPrecondition });
        t.skip(`the cgroup controller ${controller} is not delegated: the change was refused`);
        return;
      }
      await node.client.updateContainerResources({ containerId, linux });
      assert.equal(await inContainer("cat", `/sys/fs/cgroup/${file}`), is);
      const { resources } = await containerStatus(node, containerId);
      for (const [key, value] of Object.entries(linux))
        assert.deepEqual(resources?.linux?.[key as keyof typeof resources.linux], value);
    });
  }
});

test("a change of which the kernel refuses a part changes nothing", async (t) => {
  if (!controllers.includes("hugetlb")) {
    t.skip("the cgroup controller hugetlb is not delegated");
    return;
  }
  const before = await containerStatus(node, containerId);
  const was = await inContainer("cat", "/sys/fs/cgroup/hugetlb.2MB.max");
  const linux = {
    hugepageLimits: [{ pageSize: "2MB", limit: 6 * mebi }],
    unified: { "hugetlb.2MB.rsvd.max": "nonsense" },
  };
  await assert.rejects(node.client.updateContainerResources({ containerId, linux }), {
    code: invalidArgument,
    details: /hugetlb\.2MB\.rsvd\.max.*EINVAL/,
  });
  assert.equal(await inContainer("cat", "/sys/fs/cgroup/hugetlb.2MB.max"), was);
  assert.deepEqual((await containerStatus(node, containerId)).resources, before.resources);
});

test("the OOM score of what runs is raised", async () => {
  await node.client.updateContainerResources({ containerId, linux: { oomScoreAdj: 700 } });
  assert.equal(await inContainer("cat", "/proc/1/oom_score_adj"), "700");
});

test("limits of a pod without cgroup_parent are set for the pod as a whole", async (t) => {
  if (!controllers.includes("hugetlb")) {
    t.skip("the cgroup controller hugetlb is not delegated");
    return;
  }
  const resources = { hugepageLimits: [{ pageSize: "2MB", limit: 8 * mebi }] };
  await node.client.updatePodSandboxResources({ podSandboxId: pod.id, resources });
  const file = `/proc/${node.daemonPid()}/root/sys/fs/cgroup/lichen/${pod.id}/hugetlb.2MB.max`;
  assert.equal(readFileSync(file, "utf8").trim(), String(8 * mebi));
  const { info } = await node.client.podSandboxStatus({ podSandboxId: pod.id, verbose: true });
  assert.match(info.info ?? "", /"hugepage_limits":\[\{"page_size":"2MB","limit":8388608\}\]/);
});

test("a pod in its caller's cgroup is only noted down: the caller has set it", async (t) => {
  const other = await runPod(node, "parented", { linux: { cgroupParent: "/pods/one" } });
  const resources = { memoryLimitInBytes: 64 * mebi };
  try {
    await node.client.updatePodSandboxResources({ podSandboxId: other.id, resources });
  } catch (error) {
    if (!(error as Error).message.includes("no cgroup is delegated to this user")) throw error;
    return t.skip("no cgroup is delegated to this user: there is no caller's cgroup either");
  }
  const { info } = await node.client.podSandboxStatus({ podSandboxId: other.id, verbose: true });
  assert.match(info.info ?? "", /"memory_limit_in_bytes":67108864/);
  await node.client.stopPodSandbox({ podSandboxId: other.id });
  await assert.rejects(node.client.updatePodSandboxResources({ podSandboxId: other.id, resources }), {
    code: failedPrecondition,
  });
});

test("what is not there, has ended, or asks for nothing sensible is refused", async () => {
  const { client } = node;
  const unknown = "f".repeat(64);
  const linux = { cpuShares: 512 };
  await assert.rejects(client.updateContainerResources({ containerId: unknown, linux }), { code: notFound });
  await assert.rejects(client.updateContainerResources({ containerId }), { code: invalidArgument });
  await assert.rejects(client.updatePodSandboxResources({ podSandboxId: unknown }), { code: notFound });
  const bad = { unified: { "cgroup.procs": "1" } };
  await assert.rejects(client.updateContainerResources({ containerId, linux: bad }), {
    code: invalidArgument,
    details: /cgroup\.procs/,
  });
  const ended = await runContainer(node, pod, image, "ended", "true");
  await exited(node, ended);
  await assert.rejects(client.updateContainerResources({ containerId: ended, linux }), {
    code: failedPrecondition,
  });
});

test("a container that has not started yet starts with its new limits", async (t) => {
  if (!controllers.includes("hugetlb")) {
    t.skip("the cgroup controller hugetlb is not delegated");
    return;
  }
  const id = await createContainer(node, pod, image, "later", "cat /sys/fs/cgroup/hugetlb.2MB.max");
  const linux = { hugepageLimits: [{ pageSize: "2MB", limit: 2 * mebi }] };
  await node.client.updateContainerResources({ containerId: id, linux });
  await node.client.startContainer({ containerId: id });
  const { logPath } = await exited(node, id);
  assert.match(readFileSync(logPath, "utf8"), / 2097152\n/);
});
