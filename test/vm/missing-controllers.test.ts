// A node to which only some of the controllers are delegated.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LinuxContainerResources, Outgoing } from "#cri";
import { type LichenNode, startNode } from "../support/node.ts";
import { createContainer, exited, pullBusybox, runContainer, runPod } from "../support/pods.ts";
import { administrator, delegation, restartUserManager } from "./support.ts";

const [invalidArgument, failedPrecondition] = [3, 9];
const mebibyte = 1024 * 1024;

test("controllers are missed one by one: limits of those that are there bind, those of the others are refused by name", async () => {
  const dropIn = "/etc/systemd/system/user@.service.d/lichen.conf";
  const delegate = async (controllers: string) => {
    await administrator(
      `printf '[Service]\\nDelegate=${controllers}\\n' >${dropIn} && systemctl daemon-reload`,
    );
    await restartUserManager();
  };
  await delegate("memory pids");
  try {
    const poor = await startNode();
    try {
      await checkPoor(poor);
    } finally {
      await poor.stop();
    }
  } finally {
    await delegate("cpu cpuset io memory pids");
  }
});

async function checkPoor(poor: LichenNode): Promise<void> {
  const controllers = delegation(poor).controllers;
  assert.ok(controllers.includes("memory") && controllers.includes("pids"), String(controllers));
  for (const missing of ["cpuset", "io"]) assert.ok(!controllers.includes(missing), String(controllers));
  const reference = await pullBusybox(poor);
  const own = await runPod(poor, "poor");
  const asking = (resources: Outgoing<LinuxContainerResources>) => ({ linux: { resources } });
  for (const [resources, details] of [
    [{ cpusetCpus: "0" }, /cpuset_cpus.*cpuset/],
    [{ unified: { "io.max": "8:0 rbps=1048576" } }, /io\.max.*\bio\b/],
  ] as const) {
    await assert.rejects(createContainer(poor, own, reference, "refused", "true", asking(resources)), {
      code: failedPrecondition,
      details,
    });
  }
  assert.equal((await poor.client.listContainers({})).containers.length, 0);
  const resources = { memoryLimitInBytes: 16 * mebibyte, memorySwapLimitInBytes: 16 * mebibyte };
  const hungry = await runContainer(poor, own, reference, "hungry", "exec tail /dev/zero", asking(resources));
  assert.equal((await exited(poor, hungry)).reason, "OOMKilled");
  await assert.rejects(
    createContainer(poor, own, reference, "nonsense", "true", asking({ unified: { "pids.max": "-5" } })),
    {
      code: invalidArgument,
      details: /pids\.max/,
    },
  );
}
