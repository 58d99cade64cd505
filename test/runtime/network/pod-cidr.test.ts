// The cluster gives the node a range for its pods (UpdateRuntimeConfig), other than the configured one.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { askTcp, freePort, podPorts, portMapping, serveAddresses } from "../../support/network-peer.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { eventually, pullBusybox, runContainer, runPod, type TestPod } from "../../support/pods.ts";

let node: LichenNode;
before(async () => {
  node = await startNode();
});
after(() => node.stop());

const give = (podCidr: string) =>
  node.client.updateRuntimeConfig({ runtimeConfig: { networkConfig: { podCidr } } });

const addressesOf = async ({ id }: TestPod) => {
  const { status } = await node.client.podSandboxStatus({ podSandboxId: id });
  return [status?.network?.ip ?? "", ...(status?.network?.additionalIps ?? []).map(({ ip }) => ip)];
};

const remove = async ({ id }: TestPod) => {
  await node.client.stopPodSandbox({ podSandboxId: id });
  await node.client.removePodSandbox({ podSandboxId: id });
};

test("is refused while pods have addresses of the old one, which goes on working", async () => {
  const pod = await runPod(node, "before");
  const [address = ""] = await addressesOf(pod);
  await assert.rejects(give("10.61.7.0/24,fd61:7::/64"), /1 pods have addresses of 10\./);
  const other = await runPod(node, "beside");
  assert.equal((await addressesOf(other))[0]?.split(".")[1], address.split(".")[1]);
  await remove(pod);
  await remove(other);
});

test("is taken when no pod is there: addresses, gateway, names and host ports are the new network's", async () => {
  await give("10.61.7.0/24,fd61:7::/64");
  const image = await pullBusybox(node);
  const port = await freePort();
  const server = await runPod(node, "server", { portMappings: [portMapping(port)] });
  await serveAddresses(node, server, image);
  const [address = "", address6] = await addressesOf(server);
  assert.match(address, /^10\.61\.7\.\d+$/);
  if (address6 !== undefined) assert.match(address6, /^fd61:7::/);
  await eventually(async () =>
    assert.equal((await askTcp("127.0.0.1", port)).address, "10.61.7.1", "the bridge's address"),
  );
  const client = await runPod(node, "client");
  const containerId = await runContainer(node, client, image, "main", "exec sleep 1000");
  const cmd = ["sh", "-c", `ip route; sleep 1 | nc -w 5 ${address} ${podPorts.tcp}`];
  await eventually(async () => {
    const { stdout } = await node.client.execSync({ containerId, cmd, timeout: 20 });
    const text = Buffer.from(stdout).toString();
    assert.match(text, /^default via 10\.61\.7\.1 /m);
    assert.match(text, /^10\.61\.7\.\d+ \d+$/m, "the server answers a pod beside it");
  });
  const { stdout } = await node.lichen("enter", "--", "ip", "-o", "-4", "addr", "show", "dev", "lichen0");
  assert.deepEqual(
    stdout.match(/inet \S+/g),
    ["inet 10.61.7.1/24"],
    "the old network's address is gone from the bridge",
  );
  await remove(server);
  await remove(client);
});

test("holds for the next daemon, before anybody has told it", async () => {
  const pod = await runPod(node, "outlives");
  const pid = node.daemonPid();
  process.kill(pid, "SIGKILL");
  await eventually(() => assert.notEqual(node.daemonPid(), pid));
  await node.ready();
  const later = await runPod(node, "later");
  for (const one of [pod, later]) assert.match((await addressesOf(one))[0] ?? "", /^10\.61\.7\.\d+$/);
  await give("10.61.7.0/24,fd61:7::/64");
  await remove(pod);
  await remove(later);
});

test("that overlaps the uplink's network is refused by name", async (t) => {
  const { uplink } = JSON.parse(
    (await import("node:fs")).readFileSync(`${node.runtimeDir}/node.json`, "utf8"),
  );
  if (uplink.kind === "none") return t.skip(uplink.reason);
  await assert.rejects(give(uplink.cidr), new RegExp(`it overlaps the uplink's network ${uplink.cidr}`));
});
