// Huge pages, whose controller systemd hands on to nobody: an administrator can.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { type LichenNode, startNode } from "../support/node.ts";
import { createContainer, exited, pullBusybox, runContainer, runPod, type TestPod } from "../support/pods.ts";
import { administrator, cgroupOf, delegation, pidOf } from "./support.ts";

const [invalidArgument, failedPrecondition] = [3, 9];
const mebibyte = 1024 * 1024;
const root = "/sys/fs/cgroup";

let node: LichenNode;
let image: string;
let pod: TestPod;

/** The cgroups above the scopes of nodes, topmost first. */
const above: string[] = [];
const hand = (sign: "+" | "-", cgroups: string[]) =>
  administrator(cgroups.map((path) => `echo ${sign}hugetlb >${path}/cgroup.subtree_control`).join(" && "));

before(async () => {
  const first = await startNode();
  const place = join(root, delegation(first).hostPath);
  for (let at = dirname(dirname(place)); at.length >= root.length; at = dirname(at)) above.unshift(at);
  await first.stop();
  await hand("+", above);
  await administrator("echo 8 >/proc/sys/vm/nr_hugepages && chmod 1777 /dev/hugepages");
  node = await startNode();
  image = await pullBusybox(node);
  pod = await runPod(node, "huge");
});
after(async () => {
  await node?.stop();
  await administrator("rm -f /dev/hugepages/*; echo 0 >/proc/sys/vm/nr_hugepages");
  await hand("-", above.reverse());
});

const limits = (megabytes: number) => ({
  hugepageLimits: [{ pageSize: "2MB", limit: megabytes * mebibyte }],
});
const mounts = [{ hostPath: "/dev/hugepages", containerPath: "/huge" }];
const file = (directory: string, name = "hugetlb.2MB.max") =>
  Number(readFileSync(join(directory, name), "utf8"));

/** Whether a container gets so many megabytes of huge pages. */
async function gets(containerId: string, megabytes: number): Promise<boolean> {
  const line = `rm -f /huge/x; fallocate -l ${megabytes * mebibyte} /huge/x; s=$?; rm -f /huge/x; exit $s`;
  const cmd = ["sh", "-c", line];
  return (await node.client.execSync({ containerId, cmd, timeout: 60 })).exitCode === 0;
}

test("with its controller the limit binds, and changes while the container runs", async () => {
  assert.ok(delegation(node).controllers.includes("hugetlb"));
  const id = await runContainer(node, pod, image, "limited", "exec sleep 100000", {
    mounts,
    linux: { resources: limits(4) },
  });
  const directory = cgroupOf(await pidOf(node, id));
  assert.equal(file(directory), 4 * mebibyte);
  assert.deepEqual([await gets(id, 4), await gets(id, 6)], [true, false]);
  await node.client.updateContainerResources({ containerId: id, linux: limits(8) });
  assert.deepEqual([await gets(id, 8), await gets(id, 10)], [true, false]);
  // The kernel refuses the last part: the others are as before.
  const linux = {
    ...limits(2),
    memoryLimitInBytes: 64 * mebibyte,
    unified: { "hugetlb.2MB.rsvd.max": "no" },
  };
  await assert.rejects(node.client.updateContainerResources({ containerId: id, linux }), {
    code: invalidArgument,
    details: /hugetlb\.2MB\.rsvd\.max.*EINVAL/,
  });
  assert.equal(file(directory), 8 * mebibyte);
  assert.equal(readFileSync(join(directory, "memory.max"), "utf8"), "max\n");
});

test("a pod's limit binds what its containers have together", async () => {
  const own = await runPod(node, "huge-pod");
  const id = await runContainer(node, own, image, "main", "exec sleep 100000", { mounts });
  await node.client.updatePodSandboxResources({ podSandboxId: own.id, resources: limits(2) });
  assert.equal(file(dirname(cgroupOf(await pidOf(node, id)))), 2 * mebibyte);
  assert.deepEqual([await gets(id, 2), await gets(id, 4)], [true, false]);
});

test("a container that has not started starts with its new limit; a size that the machine does not have is refused", async () => {
  const id = await createContainer(
    node,
    pod,
    image,
    "later",
    "test $(cat /sys/fs/cgroup/hugetlb.2MB.max) = 2097152",
  );
  await node.client.updateContainerResources({ containerId: id, linux: limits(2) });
  await node.client.startContainer({ containerId: id });
  assert.equal((await exited(node, id)).exitCode, 0);
  const hugepageLimits = [{ pageSize: "3MB", limit: 3 * mebibyte }];
  await assert.rejects(
    createContainer(node, pod, image, "odd", "true", { linux: { resources: { hugepageLimits } } }),
    {
      code: failedPrecondition,
      details: /hugepage_limits 3MB/,
    },
  );
});
