// What the built-in bridge promises of each pod's link.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { askTcp, freePort, podPorts, portMapping, serveAddresses } from "../../support/network-peer.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { eventually, pullBusybox, runContainer, runPod } from "../../support/pods.ts";

let node: LichenNode;
let image: string;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
});
after(() => node.stop());

const inNode = async (...command: string[]) => (await node.lichen("enter", "--", ...command)).stdout.trim();

test("one MTU from the pod to the uplink: packets are cut nowhere on the way", async () => {
  const { uplink } = JSON.parse(readFileSync(`${node.runtimeDir}/node.json`, "utf8"));
  const pod = await runPod(node, "mtu");
  const containerId = await runContainer(node, pod, image, "main", "exec sleep 1000");
  const cmd = ["cat", "/sys/class/net/eth0/mtu"];
  const { stdout } = await node.client.execSync({ containerId, cmd, timeout: 10 });
  assert.equal(Buffer.from(stdout).toString().trim(), String(uplink.mtu));
  const links = ["lichen0", `lc${pod.id.slice(0, 12)}`, uplink.interface].filter(Boolean);
  for (const link of links)
    assert.match(
      await inNode("ip", "-o", "link", "show", "dev", link),
      new RegExp(` mtu ${uplink.mtu} `),
      link,
    );
});

test("a pod reaches itself by its own address, by its own host port, and through the bridge's port (hairpin)", async () => {
  const port = await freePort();
  const pod = await runPod(node, "itself", { portMappings: [portMapping(port)] });
  await serveAddresses(node, pod, image);
  await eventually(() => askTcp("127.0.0.1", port));
  const containerId = await runContainer(node, pod, image, "asks", "exec sleep 1000");
  const ask = async (address: string, to: number) => {
    const cmd = ["sh", "-c", `sleep 1 | nc -w 3 ${address} ${to}`];
    return Buffer.from((await node.client.execSync({ containerId, cmd, timeout: 10 })).stdout).toString();
  };
  const { status } = await node.client.podSandboxStatus({ podSandboxId: pod.id });
  const own = status?.network?.ip ?? "";
  assert.match(await ask(own, podPorts.tcp), new RegExp(`^${own} \\d+\n$`));
  const gateway = own.replace(/\.\d+\.\d+$/, ".0.1");
  assert.match(await ask(gateway, port), new RegExp(`^${gateway} \\d+\n$`));
  const told = await inNode("ip", "-d", "-o", "link", "show", "dev", `lc${pod.id.slice(0, 12)}`);
  assert.match(told, / hairpin on /);
});
