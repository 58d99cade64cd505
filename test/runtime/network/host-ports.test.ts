// Host ports: a pod's port served on the host and in the node, the client's address kept, whatever process dies.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { type Outgoing, type PortMapping, Protocol } from "#cri";
import {
  askTcp,
  askUdp,
  freePort,
  ownAddress,
  portMapping,
  serveAddresses,
} from "../../support/network-peer.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { eventually, pullBusybox, runContainer, runPod } from "../../support/pods.ts";

let node: LichenNode;
let image: string;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
});
after(() => node.stop());

/** The bridge's own address, which clients have that cannot keep theirs. */
const gateway = /^10\.\d+\.0\.1$/;

async function server(name: string, portMappings: Outgoing<PortMapping>[]) {
  const pod = await runPod(node, name, { portMappings });
  await serveAddresses(node, pod, image);
  return pod;
}

/** Whether pods of this node have an IPv6 address beside the other. */
async function podsHaveIpv6(): Promise<boolean> {
  const { stdout } = await node.lichen(
    "enter",
    "--",
    "ip",
    "-6",
    "addr",
    "show",
    "lichen0",
    "scope",
    "global",
  );
  return stdout.includes("inet6");
}

const portsPid = () => Number(readFileSync(`${node.runtimeDir}/ports.pid`, "utf8").split(" ")[0]);

test("a host port leads to the pod, bytes pass both ways, and loopback clients have the gateway's address", async () => {
  const port = await freePort();
  await server("tcp", [portMapping(port)]);
  const { address, text } = await eventually(() => askTcp("127.0.0.1", port, "hello"));
  assert.match(address, gateway);
  assert.equal(text, "hello");
});

for (const family of ["IPv4", "IPv6"] as const) {
  const host = ownAddress(family);
  const skip = host === undefined && `this machine has no ${family} address but loopback's`;
  for (const protocol of ["tcp", "udp"] as const) {
    test(`the pod sees the ${family} address of a ${protocol} client that is not on loopback`, {
      skip,
    }, async (t) => {
      if (family === "IPv6" && !(await podsHaveIpv6())) return t.skip("this kernel gives pods no IPv6");
      const port = await freePort();
      await server(`client-${protocol}-${family.toLowerCase()}`, [portMapping(port, protocol)]);
      const ask = protocol === "tcp" ? askTcp : askUdp;
      const { address } = await eventually(() => ask(host ?? "", port));
      assert.equal(address, host);
    });
  }
}

test("clients on IPv6 loopback are served by both protocols, from the bridge's IPv6 address", async (t) => {
  if (!(await podsHaveIpv6())) return t.skip("this kernel gives pods no IPv6");
  const port = await freePort();
  await server("loopback6", [portMapping(port), portMapping(port, "udp")]);
  for (const ask of [askTcp, askUdp]) {
    const { address, text } = await eventually(() => ask("::1", port, "six"));
    assert.match(address, /^fd.*::.*1$/);
    assert.equal(text, "six");
  }
});

test("more bytes than any buffer holds pass unharmed, in both directions at once", async () => {
  const port = await freePort();
  await server("much", [portMapping(port)]);
  const sent = "0123456789abcdef".repeat(2 << 20);
  const { text } = await eventually(() => askTcp("127.0.0.1", port, sent));
  assert.equal(text.length, sent.length);
  assert.ok(text === sent, "other bytes came back");
});

test("datagrams pass both ways, for many clients at once", async () => {
  const port = await freePort();
  await server("udp", [portMapping(port, "udp")]);
  await eventually(() => askUdp("127.0.0.1", port));
  const ask = (index: number) => eventually(() => askUdp("127.0.0.1", port, `client ${index}`));
  const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => ask(index)));
  assert.deepEqual(
    answers.map(({ text }) => text),
    answers.map((_, index) => `client ${index}`),
  );
});

test("the node itself and other pods reach a host port too", async () => {
  const port = await freePort();
  await server("from-inside", [portMapping(port)]);
  await eventually(() => askTcp("127.0.0.1", port));
  const client = await runPod(node, "inside-client");
  const containerId = await runContainer(node, client, image, "main", "exec sleep 1000");
  const cmd = ["sh", "-c", `nc $(ip route | sed -n 's/default via \\([^ ]*\\).*/\\1/p') ${port} </dev/null`];
  const { stdout } = await node.client.execSync({ containerId, cmd, timeout: 10 });
  assert.match(Buffer.from(stdout).toString(), /^10\.\d+\.0\.1 /);
  const script = `exec 3<>/dev/tcp/127.0.0.1/${port}; head -n1 <&3`;
  const inside = await node.lichen("enter", "--", "bash", "-c", script);
  assert.match(inside.stdout, /^10\.\d+\.0\.1 /, inside.stderr);
});

test("a port that is taken is refused before anything is made, naming the pod that has it", async () => {
  const port = await freePort();
  const first = await server("first", [portMapping(port)]);
  await assert.rejects(runPod(node, "second", { portMappings: [portMapping(port)] }), {
    details: new RegExp(`\\*:${port}/tcp: pod sandbox ${first.id.slice(0, 12)} has it`),
  });
  const narrower = [portMapping(port, "tcp", "127.0.0.1")];
  await assert.rejects(runPod(node, "third", { portMappings: narrower }), { details: /has it/ });
  // A port of UDP is another one.
  await runPod(node, "udp-beside", { portMappings: [portMapping(port, "udp")] });
  const { items } = await node.client.listPodSandbox({});
  assert.ok(!items.some(({ metadata }) => ["second", "third"].includes(metadata?.name ?? "")));
});

test("what cannot be served is refused with the way out", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => other.once("listening", resolve));
  const { port } = other.address() as { port: number };
  const refused = async (mapping: Outgoing<PortMapping>, details: RegExp) =>
    assert.rejects(runPod(node, "refused", { portMappings: [mapping] }), { details });
  await refused(portMapping(port), new RegExp(`another program has it on the host .*sport = :${port}`));
  other.close();
  const privileged = Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8"));
  if (privileged > 81) {
    await refused(portMapping(81), /sudo sysctl -w net\.ipv4\.ip_unprivileged_port_start=81/);
  }
  const free = await freePort();
  await refused(portMapping(free, "tcp", "192.0.2.77"), /neither the host nor the node has this address/);
  await refused({ ...portMapping(free), protocol: Protocol.SCTP }, /host ports are TCP or UDP/);
  await refused(portMapping(free, "tcp", "localhost"), /not an IP address/);
});

test("one address only: loopback is served, others are not", async () => {
  const port = await freePort();
  await server("loopback-only", [portMapping(port, "tcp", "127.0.0.1")]);
  await eventually(() => askTcp("127.0.0.1", port));
  const other = ownAddress("IPv4");
  if (other !== undefined) await assert.rejects(askTcp(other, port), { code: "ECONNREFUSED" });
});

test("a pod that does not listen resets the client; a port is free again when its pod has stopped", async () => {
  const port = await freePort();
  const pod = await runPod(node, "deaf", { portMappings: [portMapping(port)] });
  await assert.rejects(askTcp("127.0.0.1", port), { code: "ECONNRESET" });
  await node.client.stopPodSandbox({ podSandboxId: pod.id });
  await assert.rejects(askTcp("127.0.0.1", port), { code: "ECONNREFUSED" });
  await server("next", [portMapping(port)]);
  await eventually(() => askTcp("127.0.0.1", port));
});

test("ports are served while daemon and launcher are dead, and by another process when theirs is killed", async () => {
  const port = await freePort();
  const pod = await server("survivor", [portMapping(port)]);
  await eventually(() => askTcp("127.0.0.1", port));
  process.kill(node.daemonPid(), "SIGKILL");
  assert.equal((await askTcp("127.0.0.1", port, "x")).text, "x");
  await node.ready();
  const serving = portsPid();
  process.kill(node.launcherPid, "SIGKILL");
  assert.equal((await askTcp("127.0.0.1", port, "y")).text, "y");
  await node.restart();
  assert.equal((await askTcp("127.0.0.1", port, "z")).text, "z");
  assert.equal(portsPid(), serving, "the same process serves on");

  process.kill(serving, "SIGKILL");
  await eventually(() => askTcp("127.0.0.1", port));
  assert.notEqual(portsPid(), serving);
  await node.client.stopPodSandbox({ podSandboxId: pod.id });
  await assert.rejects(askTcp("127.0.0.1", port), { code: "ECONNREFUSED" });
});

test("a pod that dies while no daemon runs takes its ports along", async () => {
  const port = await freePort();
  const pod = await server("orphan", [portMapping(port)]);
  await eventually(() => askTcp("127.0.0.1", port));
  const { info } = await node.client.podSandboxStatus({ podSandboxId: pod.id, verbose: true });
  const { pid } = JSON.parse(info.info ?? "{}") as { pid: number };
  process.kill(node.daemonPid(), "SIGKILL");
  process.kill(pid, "SIGKILL");
  await eventually(() => assert.rejects(askTcp("127.0.0.1", port), { code: "ECONNREFUSED" }));
  await node.ready();
});
