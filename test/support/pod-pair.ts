import assert from "node:assert/strict";
import type { LichenNode } from "./node.ts";
import { eventually, pullBusybox, runContainer, runPod } from "./pods.ts";

/** Two pods of the node, one of which asks the other by its address and gets its answer. Gives how to run a command in the asking one. */
export async function talkingPods(node: LichenNode): Promise<(...cmd: string[]) => Promise<string>> {
  const image = await pullBusybox(node);
  const server = await runPod(node, "server");
  await runContainer(node, server, image, "main", "exec nc -ll -p 80 -e echo here");
  const client = await runPod(node, "client");
  const containerId = await runContainer(node, client, image, "main", "exec sleep 1000");
  const { status } = await node.client.podSandboxStatus({ podSandboxId: server.id });
  const { ip = "", additionalIps = [] } = status?.network ?? {};
  const run = async (...cmd: string[]) => {
    const { stdout } = await node.client.execSync({ containerId, cmd, timeout: 20 });
    return Buffer.from(stdout).toString();
  };
  for (const address of [ip, ...additionalIps.map((one) => one.ip)]) {
    await eventually(async () => assert.equal(await run("nc", "-w", "3", address, "80"), "here\n", address));
  }
  return run;
}

/** The node's conditions by their types. */
export async function conditionsOf(node: LichenNode) {
  const { status } = await node.client.status({});
  return new Map(status?.conditions.map((one) => [one.type, one]));
}
