// Who reaches whom: pods, pods on the node's network, this machine and its loopback, in both families, by TCP and UDP; and who does not.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { NamespaceMode, type Outgoing, type PodSandboxConfig } from "#cri";
import {
  askTcp,
  askUdp,
  freePort,
  ownAddress,
  podPorts,
  portMapping,
  serveAddresses,
  toolMounts,
} from "../../support/network-peer.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { eventually, pullBusybox, runContainer, runPod, type TestPod } from "../../support/pods.ts";

type Ports = Record<"tcp" | "udp", number>;
/** A place that serves, and what it tells who asks. */
interface Target {
  what: string;
  address: string;
  ports: Ports;
}
/** Asks a target for its answer: what the server saw as its client's address, and the text; "" for none. */
type Ask = (protocol: "tcp" | "udp", target: Target) => Promise<string>;

const serverScript = join(import.meta.dirname, "../../support/network-server.mjs");
const protocols = ["tcp", "udp"] as const;
const own = (["IPv4", "IPv6"] as const).flatMap((family) => ownAddress(family) ?? []);
const freePorts = async (): Promise<Ports> => ({ tcp: await freePort(), udp: await freePort() });

let node: LichenNode;
let image: string;
let host: ReturnType<typeof spawn>;
let hostPorts: Ports;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
  hostPorts = await freePorts();
  const { tcp, udp } = hostPorts;
  host = spawn(process.execPath, [serverScript, String(tcp), String(udp)], { stdio: "ignore" });
  await eventually(() => askTcp("127.0.0.1", tcp));
});
after(async () => {
  host.kill("SIGKILL");
  await node.stop();
});

const uplinkOf = (of: LichenNode) => JSON.parse(readFileSync(`${of.runtimeDir}/node.json`, "utf8")).uplink;

async function addressesOf(of: LichenNode, pod: TestPod): Promise<string[]> {
  const { status } = await of.client.podSandboxStatus({ podSandboxId: pod.id });
  return [status?.network?.ip ?? "", ...(status?.network?.additionalIps ?? []).map(({ ip }) => ip)];
}

/** A pod that asks. */
async function asker(of: LichenNode, name: string, more: Outgoing<PodSandboxConfig> = {}): Promise<Ask> {
  const pod = await runPod(of, name, more);
  const containerId = await runContainer(of, pod, image, "main", "exec sleep 1000", { mounts: toolMounts });
  return async (protocol, { address, ports }) => {
    const client = `/node/node /node/scripts/network-client.mjs ${address} ${ports.udp} hello`;
    // The end of what is sent comes after the answer: by way of pasta of 2023 a client that ends its side at once now and then gets none.
    const command =
      protocol === "udp" ? client : `(echo hello; sleep 1) | nc -w 3 ${address} ${ports.tcp} 2>/dev/null`;
    const { stdout } = await of.client.execSync({ containerId, cmd: ["sh", "-c", command], timeout: 20 });
    return Buffer.from(stdout).toString().replace("no answer\n", "").replaceAll(/\s+/g, " ").trim();
  };
}

const fromHost: Ask = async (protocol, { address, ports }) => {
  const ask = protocol === "tcp" ? askTcp : askUdp;
  return ask(address, ports[protocol]).then(
    (answer) => `${answer.address} ${answer.text}`,
    () => "",
  );
};

async function reaches(
  ask: Ask,
  targets: readonly Target[],
  seen?: (target: Target) => RegExp,
): Promise<void> {
  for (const target of targets) {
    for (const protocol of protocols) {
      await eventually(async () => {
        const answer = await ask(protocol, target);
        const expected = seen?.(target) ?? /^\S+ .*hello$/;
        assert.match(answer, expected, `${target.what} at ${target.address}/${protocol}`);
        assert.match(answer, /hello$/);
      }, 30_000);
    }
  }
}

/** All at once: who is refused in silence waits for seconds. */
async function doesNotReach(ask: Ask, targets: readonly Target[]): Promise<void> {
  const cells = targets.flatMap((target) => protocols.map((protocol) => ({ target, protocol })));
  const answers = await Promise.all(cells.map(({ target, protocol }) => ask(protocol, target)));
  for (const [index, { target, protocol }] of cells.entries())
    assert.equal(answers[index], "", `${target.what} at ${target.address}/${protocol}`);
}

const nodeNetwork = { linux: { securityContext: { namespaceOptions: { network: NamespaceMode.NODE } } } };

/** The bridge's addresses, where pods find the node. */
async function gateways(): Promise<string[]> {
  const { stdout } = await node.lichen("enter", "--", "ip", "-o", "addr", "show", "dev", "lichen0");
  const addresses = [...stdout.matchAll(/inet6? ([^/ ]+)/g)].map(([, address = ""]) => address);
  return addresses.filter((address) => !address.startsWith("fe80:"));
}

/** This machine as it is seen from within: its addresses, and by ways that must not lead to its loopback. */
function hostTargets(of: LichenNode): { open: Target[]; closed: Target[] } {
  const uplink = uplinkOf(of);
  const at = (what: string) => (address: string) => ({ what, address, ports: hostPorts });
  const families = own.filter(
    (address) => uplink.kind !== "none" && (uplink.address6 !== "" || !address.includes(":")),
  );
  const ways = [uplink.gateway, uplink.gateway6, "127.0.0.1", "::1"].filter(Boolean);
  return { open: families.map(at("the host")), closed: ways.map(at("the host's loopback")) };
}

test("a pod reaches pods, pods on the node's network and the host, and not the host's loopback", async () => {
  const server = await runPod(node, "server");
  await serveAddresses(node, server, image);
  const nodePorts = await freePorts();
  const onNode = await runPod(node, "on-node", nodeNetwork);
  await runContainer(
    node,
    onNode,
    image,
    "main",
    `exec /node/node /node/scripts/network-server.mjs ${nodePorts.tcp} ${nodePorts.udp}`,
    { mounts: toolMounts },
  );
  const pods = (await addressesOf(node, server)).map((address) => ({
    what: "a pod",
    address,
    ports: podPorts,
  }));
  const nodes = (await gateways()).map((address) => ({
    what: "a pod on the node's network",
    address,
    ports: nodePorts,
  }));
  assert.equal(pods.length, nodes.length, "one address of each family");

  const client = await asker(node, "client");
  await reaches(client, pods);
  await reaches(client, nodes);
  const { open, closed } = hostTargets(node);
  await reaches(client, open);
  await doesNotReach(client, closed);

  const beside = await asker(node, "beside", nodeNetwork);
  // It asks with the bridge's address.
  await reaches(beside, pods, ({ address }) => (address.includes(":") ? /^fd\S*:1 / : /^10\.\d+\.0\.1 /));
  await reaches(beside, nodes);
  await reaches(beside, open);
  await doesNotReach(
    beside,
    closed.filter(({ address }) => !["127.0.0.1", "::1"].includes(address)),
  );

  // The node's network is not this machine's: what listens there is no one's to reach from outside.
  const outside = ["127.0.0.1", "::1", ...own].map((address) => ({
    what: "a pod on the node's network",
    address,
    ports: nodePorts,
  }));
  await doesNotReach(fromHost, outside);
});

test("this machine reaches a pod by its host ports, at all of its addresses and loopback's", async () => {
  const ports = await freePorts();
  const pod = await runPod(node, "published", {
    portMappings: [portMapping(ports.tcp), portMapping(ports.udp, "udp")],
  });
  await serveAddresses(node, pod, image);
  const families = (await addressesOf(node, pod)).length;
  const addresses = ["127.0.0.1", "::1", ...own].filter((address) => families > 1 || !address.includes(":"));
  await reaches(
    fromHost,
    addresses.map((address) => ({ what: "a host port", address, ports })),
  );
  await node.client.stopPodSandbox({ podSandboxId: pod.id });
  await doesNotReach(
    fromHost,
    addresses.map((address) => ({ what: "a stopped pod's host port", address, ports })),
  );
});

test("with host_loopback pods reach the host's loopback by its alias, by both protocols", async (t) => {
  const open = await startNode({ config: "[network]\nhost_loopback = true\n" });
  try {
    const { kind, reason } = uplinkOf(open);
    if (kind === "none") return t.skip(reason);
    await open.client.pullImage({ image: { image } });
    const ask = await asker(open, "asks-alias");
    await reaches(ask, [{ what: "the host's loopback", address: "host.lichen.internal", ports: hostPorts }]);
  } finally {
    await open.stop();
  }
});

test("isolated pods do not reach each other by any protocol or family, and reach what others do", async () => {
  const isolated = await startNode({ config: "[network]\nisolate_pods = true\n" });
  try {
    await isolated.client.pullImage({ image: { image } });
    const server = await runPod(isolated, "server");
    await serveAddresses(isolated, server, image);
    const client = await asker(isolated, "client");
    await reaches(client, hostTargets(isolated).open);
    const addresses = await addressesOf(isolated, server);
    await doesNotReach(
      client,
      addresses.map((address) => ({ what: "an isolated pod", address, ports: podPorts })),
    );
  } finally {
    await isolated.stop();
  }
});
