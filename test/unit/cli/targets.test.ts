import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, PodSandbox } from "#cri";
import type { CriClient } from "../../../proto/client.ts";
import { findContainer, findTarget, meansPod, runLabel } from "../../../src/cli/targets.ts";

const pods = [
  { id: "aa01", metadata: { name: "web" }, labels: { [runLabel]: "true" } },
  { id: "aa02", metadata: { name: "db" }, labels: {} },
  { id: "cc03", metadata: { name: "empty" }, labels: {} },
] as unknown as PodSandbox[];
const containers = [
  { id: "bb01", podSandboxId: "aa01", metadata: { name: "web" } },
  { id: "bb02", podSandboxId: "aa02", metadata: { name: "server" } },
] as unknown as Container[];

/** A daemon that knows these pods and containers. */
const client = {
  listPodSandbox: async () => ({ items: pods }),
  listContainers: async (request?: { filter?: { podSandboxId?: string } }) => {
    const pod = request?.filter?.podSandboxId;
    return { containers: containers.filter((container) => !pod || container.podSandboxId === pod) };
  },
} as unknown as CriClient;

test("a name that container and pod share means the container, and with it the pod that was made for it", async () => {
  const target = await findTarget(client, "web");
  assert.equal(target.container?.id, "bb01");
  assert.equal(target.pod.id, "aa01");
  assert.equal(meansPod(target), true);
});

test("a container in somebody's pod is stopped alone", async () => {
  assert.equal(meansPod(await findTarget(client, "server")), false);
  assert.equal(meansPod(await findTarget(client, "db")), true);
});

test("the beginning of an id is enough when only one has it", async () => {
  assert.equal((await findTarget(client, "bb02")).container?.id, "bb02");
  await assert.rejects(findTarget(client, "bb"), /2 things match: bb01, bb02/);
  await assert.rejects(findTarget(client, "zz"), /find zz: no container or pod has this name or id/);
});

test("a pod stands for its only container", async () => {
  assert.equal((await findContainer(client, "db")).id, "bb02");
  await assert.rejects(findContainer(client, "empty"), /this pod has no container/);
});
