// Who reaches whom, in both families, and who does not.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { NamespaceMode } from "#cri";
import {
  askTcp,
  freePort,
  hostServer,
  ownAddress,
  podPorts,
  portMapping,
  serveAddresses,
  toolMounts,
  udpCommand,
} from "../../support/network-peer.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { eventually, pullBusybox, runContainer, runPod, type TestPod } from "../../support/pods.ts";

let node: LichenNode;
let image: string;
before(async () => {
  node = await startNode({ config: "[network]\nhost_loopback = true\n" });
  image = await pullBusybox(node);
});
after(() => node.stop());

const addressesOf = async (of: LichenNode, pod: TestPod) => {
  const { status } = await of.client.podSandboxStatus({ podSandboxId: pod.id });
  return [status?.network?.ip ?? "", ...(status?.network?.additionalIps ?? []).map(({ ip }) => ip)];
};

/** Runs shell commands in a container of the pod. */
async function shell(of: LichenNode, pod: TestPod, reference = image) {
  const containerId = await runContainer(of, pod, reference, "shell", "exec sleep 1000", {
    mounts: toolMounts,
  });
  return async (command: string) => {
    const cmd = ["sh", "-c", command];
    const { stdout, stderr } = await of.client.execSync({ containerId, cmd, timeout: 20 });
    return (Buffer.from(stdout).toString() + Buffer.from(stderr).toString()).trim();
  };
}

/** The end of what is sent comes after the answer: by way of pasta of 2023 a client that ends its side at once now and then gets none. */
const overTcp = (address: string, port: number) => `sleep 1 | nc -w 5 ${address} ${port}`;

/** An echo request by an ICMP socket that needs no capability (icmp(7), ping_group_range); busybox's ping only knows raw ones. */
const pingScript = `use Socket; socket(S, PF_INET, SOCK_DGRAM, 1) or die "socket: $!";
  send(S, pack("C2n3", 8, 0, 0, 1, 1), 0, sockaddr_in(0, inet_aton("127.0.0.1"))) or die "send: $!";
  defined(recv(S, $answer, 100, 0)) or die "recv: $!"; print "pong"`;

test("pods reach each other by TCP and UDP in both families, and see each other's own addresses", async (t) => {
  const server = await runPod(node, "server");
  await serveAddresses(node, server, image);
  const client = await runPod(node, "client");
  const sh = await shell(node, client);
  const [targets, own] = [await addressesOf(node, server), await addressesOf(node, client)];
  if (targets.length < 2) t.diagnostic("IPv4 only: this kernel gives the node no IPv6");
  assert.equal(targets.length, own.length);
  for (const [index, address] of targets.entries()) {
    await eventually(async () => {
      const answer = await sh(overTcp(address, podPorts.tcp));
      assert.equal(answer.split(" ")[0], own[index], `${address}/tcp: ${answer}`);
    });
    await eventually(async () =>
      assert.equal(await sh(udpCommand(address, "hello")), `${own[index]} hello`, `${address}/udp`),
    );
  }
});

test("a pod reaches the host's addresses, and its loopback by the alias that is configured for it", async (t) => {
  const { uplink } = JSON.parse(
    (await import("node:fs")).readFileSync(`${node.runtimeDir}/node.json`, "utf8"),
  );
  if (uplink.kind === "none") return t.skip(uplink.reason);
  const sh = await shell(node, await runPod(node, "outward"));
  const loopback = await hostServer("127.0.0.1");
  assert.equal(await sh(overTcp("host.lichen.internal", loopback.port)), "the host");
  loopback.server.close();
  for (const family of ["IPv4", "IPv6"] as const) {
    const address = ownAddress(family);
    if (address === undefined || (family === "IPv6" && uplink.address6 === "")) {
      t.diagnostic(`${family}: not on this machine (${uplink.reason || "no way out"})`);
      continue;
    }
    const { server, port } = await hostServer(address);
    assert.equal(await sh(overTcp(address, port)), "the host", family);
    server.close();
  }
});

test("ping works as a user without capabilities, and so does port 80", async () => {
  const pod = await runPod(node, "unprivileged");
  const containerId = await runContainer(node, pod, image, "user", "exec nc -ll -p 80 -e echo open", {
    mounts: toolMounts,
    linux: { securityContext: { runAsUser: { value: 1000 }, runAsGroup: { value: 1000 } } },
  });
  const ping = await node.client.execSync({ containerId, cmd: ["perl", "-e", pingScript], timeout: 10 });
  assert.equal(Buffer.from(ping.stdout).toString(), "pong", Buffer.from(ping.stderr).toString());
  const answer = await node.client.execSync({ containerId, cmd: ["nc", "127.0.0.1", "80"], timeout: 10 });
  assert.equal(Buffer.from(answer.stdout).toString(), "open\n");
});

test("a pod on the node's network is reached at the node's address, and reaches pods", async () => {
  const host = await runPod(node, "host", {
    linux: { securityContext: { namespaceOptions: { network: NamespaceMode.NODE } } },
  });
  const port = await freePort();
  const containerId = await runContainer(node, host, image, "server", `exec nc -ll -p ${port} -e echo node`);
  assert.ok(containerId);
  const pod = await runPod(node, "guest");
  await serveAddresses(node, pod, image);
  const sh = await shell(node, await runPod(node, "asks-node"));
  const gateway = await sh("ip route | sed -n 's/default via \\([^ ]*\\).*/\\1/p'");
  await eventually(async () => assert.equal(await sh(overTcp(gateway, port)), "node"));
  const [address = ""] = await addressesOf(node, pod);
  const inNode = await shell(node, host);
  await eventually(async () => assert.match(await inNode(overTcp(address, podPorts.tcp)), /^10\.\d+\.0\.1 /));
});

test("isolated pods do not reach each other, not by the gateway either, but the host and host ports do", async () => {
  const isolated = await startNode({ config: "[network]\nisolate_pods = true\n" });
  try {
    const reference = await pullBusybox(isolated);
    const port = await freePort();
    const server = await runPod(isolated, "server", { portMappings: [portMapping(port)] });
    await serveAddresses(isolated, server, reference);
    await eventually(() => askTcp("127.0.0.1", port));
    const client = await runPod(isolated, "client");
    const sh = await shell(isolated, client, reference);
    for (const address of await addressesOf(isolated, server)) {
      assert.doesNotMatch(await sh(`nc -w 2 ${address} ${podPorts.tcp} </dev/null`), /^(10\.|fd)/, address);
    }
    const hosts = await sh("cat /etc/hosts");
    assert.doesNotMatch(hosts, /lichen\.internal/, "the way to the host's loopback is closed");
  } finally {
    await isolated.stop();
  }
});

test("bandwidth that is asked for holds, or the pod is refused", async (t) => {
  const annotations = { "kubernetes.io/ingress-bandwidth": "8M", "kubernetes.io/egress-bandwidth": "16M" };
  const port = await freePort();
  let pod: TestPod;
  try {
    pod = await runPod(node, "slow", { annotations, portMappings: [portMapping(port)] });
  } catch (error) {
    assert.match(String(error), /limit rate .*bit\/s/);
    return t.skip("this kernel has no sch_tbf: the pod is refused");
  }
  await serveAddresses(node, pod, image);
  await eventually(() => askTcp("127.0.0.1", port));
  // 4 MB into the pod and out again: 4 s at 1 MB/s, less what the buckets hold at first.
  const began = performance.now();
  await askTcp("127.0.0.1", port, "x".repeat(4_000_000));
  const seconds = (performance.now() - began) / 1000;
  assert.ok(seconds > 2.5, `4 MB took ${seconds.toFixed(2)} s`);
});
