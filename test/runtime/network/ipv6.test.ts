// IPv6 of pods switched off and on, and alone, which is refused.
import assert from "node:assert/strict";
import { test } from "node:test";
import { askTcp, askUdp, freePort, portMapping, serveAddresses } from "../../support/network-peer.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { talkingPods } from "../../support/pod-pair.ts";
import { eventually, pullBusybox, runPod } from "../../support/pods.ts";

async function addressesOf(node: LichenNode, podSandboxId: string): Promise<string[]> {
  const { status } = await node.client.podSandboxStatus({ podSandboxId });
  return [status?.network?.ip ?? "", ...(status?.network?.additionalIps ?? []).map(({ ip }) => ip)];
}

/** Whether the kernel lets nodes have IPv6, by asking one that would like to. */
const globalIpv6 = async (node: LichenNode) =>
  (await node.lichen("enter", "--", "ip", "-o", "-6", "addr", "show", "dev", "lichen0", "scope", "global"))
    .stdout;

test("switched off, neither bridge nor pods have any, and host ports serve clients of both families", async () => {
  const node = await startNode({ config: "[network]\nipv6 = false\n" });
  try {
    const run = await talkingPods(node);
    assert.equal(await globalIpv6(node), "");
    assert.doesNotMatch(await run("ip", "-6", "addr", "show", "scope", "global"), /inet6/);
    assert.doesNotMatch(await run("ip", "-6", "route"), /default/);
    const [tcp, udp] = [await freePort(), await freePort()];
    const pod = await runPod(node, "served", { portMappings: [portMapping(tcp), portMapping(udp, "udp")] });
    await serveAddresses(node, pod, await pullBusybox(node));
    const addresses = await addressesOf(node, pod.id);
    assert.equal(addresses.length, 1);
    assert.match(addresses[0] ?? "", /^10\.\d+\.\d+\.\d+$/);
    for (const host of ["127.0.0.1", "::1"]) {
      assert.match((await eventually(() => askTcp(host, tcp))).address, /^10\.\d+\.0\.1$/, host);
      assert.match((await eventually(() => askUdp(host, udp))).address, /^10\.\d+\.0\.1$/, host);
    }
  } finally {
    await node.stop();
  }
});

test("on, pods have an address of the configured network beside the other, and answer at both", async (t) => {
  const node = await startNode({ config: '[network]\nsubnet6 = "fd00:1:2:3::/64"\n' });
  try {
    const there = await globalIpv6(node);
    if (there === "") return t.skip("this kernel gives the node no IPv6");
    assert.match(there, /inet6 fd00:1:2:3::1\/64/);
    // It asks at every address.
    const run = await talkingPods(node);
    assert.match(await run("ip", "-6", "addr", "show", "dev", "eth0"), /inet6 fd00:1:2:3::[0-9a-f]+\/64/);
    assert.match(await run("ip", "-6", "route"), /default via fd00:1:2:3::1 /);
  } finally {
    await node.stop();
  }
});

for (const [what, config] of [
  ["an IPv6 network in place of the other", 'subnet = "fd00:1:2:3::/64"'],
  ["IPv4 switched off", "ipv4 = false"],
] as const) {
  test(`alone it is refused before anything is started: ${what}`, async () => {
    const name = config.split(" ")[0] ?? "";
    await assert.rejects(startNode({ config: `[network]\n${config}\n` }), (error) => {
      assert.match(String(error), /the node is not ready \(launcher: [1-9]/);
      assert.match(String(error), new RegExp(`network.*${name}`));
      return true;
    });
  });
}
