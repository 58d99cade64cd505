import assert from "node:assert/strict";
import { realpathSync } from "node:fs";
import { hostname } from "node:os";
import { after, before, test } from "node:test";
import { NamespaceMode } from "#cri";
import { toolMounts } from "../../support/network-peer.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { eventually, pullBusybox, runContainer, runPod, type TestPod } from "../../support/pods.ts";

let node: LichenNode;
let image: string;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
});
after(() => node.stop());

async function shellIn(pod: TestPod, script = "exec sleep 1000") {
  const id = await runContainer(node, pod, image, "main", script);
  return async (command: string) => {
    const { stdout, stderr } = await node.client.execSync({
      containerId: id,
      cmd: ["sh", "-c", command],
      timeout: 20,
    });
    return (Buffer.from(stdout).toString() + Buffer.from(stderr).toString()).trim();
  };
}
const addressOf = async (pod: TestPod) =>
  (await node.client.podSandboxStatus({ podSandboxId: pod.id })).status?.network?.ip ?? "";

test("pods have addresses of their own, names in /etc/hosts, and reach each other", async () => {
  const server = await runPod(node, "server");
  const sh = await shellIn(server, "exec httpd -f -p 80 -h /etc");
  const address = await addressOf(server);
  assert.match(await sh("ip -4 addr show eth0"), new RegExp(`inet ${address}/16`));
  assert.match(await sh("cat /etc/hosts"), new RegExp(`^${address}\\s+server$`, "m"));
  assert.equal(await sh("cat /etc/hostname; hostname; echo $HOSTNAME"), "server\nserver\nserver");

  const client = await shellIn(await runPod(node, "client"));
  await eventually(async () => {
    assert.equal(await client(`wget -qO- http://${address}/hostname`), "server");
  });
  assert.match(await client("ip route"), /^default via 10\.\d+\.0\.1 dev eth0/m);
});

/** Prints whether eth0 has TSO (ethtool(8) -k, linux/ethtool.h): packets of links without it keep their order. */
const offloadScript = `use Socket; socket(S, PF_INET, SOCK_DGRAM, 0) or die; my $value = pack("LL", 0x1e, 1);
  my $request = pack("a16Px16", "eth0", $value); ioctl(S, 0x8946, $request) or die "ioctl: $!"; print((unpack "LL", $value)[1])`;

test("what pods send by the uplink keeps its order, and is sent again soon when pasta drops it", async () => {
  const pod = await runPod(node, "sends");
  const mounts = [
    ...toolMounts,
    { hostPath: realpathSync("/sbin/ip"), containerPath: "/node/ip", readonly: true },
  ];
  const containerId = await runContainer(node, pod, image, "main", "exec sleep 1000", { mounts });
  const run = async (...cmd: string[]) => {
    const { stdout, stderr } = await node.client.execSync({ containerId, cmd, timeout: 20 });
    return Buffer.from(stdout).toString() + Buffer.from(stderr).toString();
  };
  assert.equal(await run("cat", "/proc/sys/net/ipv4/tcp_frto"), "0\n");
  assert.match(await run("/node/ip", "route", "show", "default"), /^default via .* rto_min lock 20ms/);
  assert.equal(await run("perl", "-e", offloadScript), "0");
});

test("an address is not used again at once, and two pods never have the same", async () => {
  const first = await runPod(node, "first");
  const address = await addressOf(first);
  await node.client.removePodSandbox({ podSandboxId: first.id });
  const pods = await Promise.all(["a", "b", "c"].map((name) => runPod(node, `many-${name}`)));
  const addresses = await Promise.all(pods.map(addressOf));
  assert.equal(new Set([address, ...addresses]).size, 4);
});

test("resolv.conf is what DNSConfig says", async () => {
  const dnsConfig = { servers: ["192.0.2.53"], searches: ["svc.example"], options: ["ndots:5"] };
  const sh = await shellIn(await runPod(node, "dns", { dnsConfig }));
  assert.equal(
    await sh("cat /etc/resolv.conf"),
    "search svc.example\nnameserver 192.0.2.53\noptions ndots:5",
  );
});

test("sysctls of the pod's own namespaces are set, and the kernel's refusal is told", async () => {
  const sysctls = { "net.ipv4.ip_unprivileged_port_start": "80", "kernel.shm_rmid_forced": "1" };
  const sh = await shellIn(await runPod(node, "sysctls", { linux: { sysctls } }));
  assert.equal(
    await sh("cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shm_rmid_forced"),
    "80\n1",
  );
  await assert.rejects(runPod(node, "refused", { linux: { sysctls: { "net.ipv4.no_such_key": "1" } } }), {
    details: /no_such_key/,
  });
  const { items } = await node.client.listPodSandbox({});
  assert.ok(!items.some(({ metadata }) => metadata?.name === "refused"));
});

test("a pod on the node's network has its interfaces and its name", async () => {
  const namespaceOptions = { network: NamespaceMode.NODE };
  const pod = await runPod(node, "host", {
    hostname: "ignored",
    linux: { securityContext: { namespaceOptions } },
  });
  assert.equal(await addressOf(pod), "");
  const sh = await shellIn(pod);
  assert.equal(await sh("hostname"), hostname());
  assert.match(await sh("ip addr"), /lichen0/);
});
