// Pods come and go, also while the daemon is killed, and leave nothing; many at once are all different.
//   LICHEN_LONG_TESTS=1: 500 of them instead of 40, 500 deaths of the daemon instead of 4, 200 at once instead of 30.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { quietly } from "../../../src/quiet-files.ts";
import { count, processesOf } from "../../support/leaks.ts";
import { freePort, portMapping } from "../../support/network-peer.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { talkingPods } from "../../support/pod-pair.ts";
import { eventually, podConfig, runPod } from "../../support/pods.ts";

const long = process.env.LICHEN_LONG_TESTS === "1";
const cycles = long ? 500 : 40;
const deaths = long ? cycles : 4;
const atOnce = long ? 200 : 30;

let node: LichenNode;
before(async () => {
  node = await startNode();
});
after(() => node.stop());

/** What the node's network holds: links, addresses, routes, rules, nf_tables' tables and rules, namespaces, and the pool's addresses. */
async function held(): Promise<Record<string, string[]>> {
  const inNode = async (...command: string[]) => {
    const { stdout } = await node.lichen("enter", "--", ...command);
    // Link-local addresses of bridge and uplink come when their duplicate detection has ended.
    return stdout
      .split("\n")
      .filter((line) => line !== "" && !line.includes("fe80:"))
      .sort();
  };
  return {
    links: count(node).links,
    addresses: (await inNode("ip", "-o", "addr")).map((line) => line.replace(/ +valid_lft.*$/, "")),
    rules: [...(await inNode("ip", "rule")), ...(await inNode("ip", "-6", "rule"))],
    // A bridge without ports is down; it is up for as long as the last port takes to go.
    routes: (await inNode("ip", "route", "show", "table", "all")).map((line) =>
      line.replace(" linkdown", ""),
    ),
    // Empty where there is no nft(8) to ask.
    tables: await inNode("nft", "list", "ruleset"),
    namespaces: networkNamespaces(),
    pool: pooledAddresses(),
  };
}

/** The network namespaces that something of the node keeps: a process in it, a descriptor of the daemon's, or a mount. */
function networkNamespaces(): string[] {
  const daemon = node.daemonPid();
  const link = (path: string) => quietly(() => readlinkSync(path), "");
  // A launcher that ends when there are no pods leaves none: the next one makes another.
  const own = link(`/proc/${daemon}/ns/net`);
  const ofProcesses = processesOf(node.base, node.namespaces).map(({ pid }) => link(`/proc/${pid}/ns/net`));
  const descriptors = quietly(() => readdirSync(`/proc/${daemon}/fd`), []);
  const held = descriptors.map((fd) => link(`/proc/${daemon}/fd/${fd}`));
  const mounted = readFileSync(`/proc/${daemon}/mountinfo`, "utf8").match(/net:\[\d+\]/g) ?? [];
  return [...new Set([...ofProcesses, ...held, ...mounted])]
    .filter((name) => name.startsWith("net:"))
    .map((name) => (name === own ? "the node's" : name))
    .sort();
}

/** Addresses that pods have taken, as the daemon keeps them. */
function pooledAddresses(): string[] {
  const database = new DatabaseSync(join(node.dataDir, "state.db"), { readOnly: true });
  try {
    return database
      .prepare("SELECT address FROM addresses")
      .all()
      .map(({ address }) => String(address));
  } finally {
    database.close();
  }
}

const processes = () => count(node).processes;

async function cycle(name: string, hostPort: number | undefined): Promise<void> {
  const more = hostPort === undefined ? {} : { portMappings: [portMapping(hostPort)] };
  const pod = await runPod(node, name, more);
  await node.client.stopPodSandbox({ podSandboxId: pod.id });
  await node.client.removePodSandbox({ podSandboxId: pod.id });
}

/** What the node holds when no pod is there, nor the remains of one. */
async function heldWithoutPods(): Promise<Record<string, string[]>> {
  await eventually(() => assert.ok(!count(node).links.some((name) => name.startsWith("lc"))), 30_000);
  return held();
}

/** The node must come to hold the same as before; the kernel takes its time for namespaces that died. */
async function expectSame(before: Record<string, string[]>, processesBefore: number): Promise<void> {
  await eventually(async () => assert.deepEqual(await held(), before), 30_000);
  await eventually(() => assert.equal(processes(), processesBefore), 10_000);
}

test(`${cycles} pods, one after the other, leave no interface, address, rule or process`, async () => {
  const port = await freePort();
  await cycle("warm", port);
  const [before, processesBefore] = [await heldWithoutPods(), processes()];
  for (let index = 0; index < cycles; index++)
    await cycle(`pod-${index}`, index % 4 === 0 ? port : undefined);
  await expectSame(before, processesBefore);
});

test(`a daemon that is killed at any moment of it, ${deaths} times, leaves nothing either`, async () => {
  const port = await freePort();
  const [before, processesBefore] = [await heldWithoutPods(), processes()];
  assert.deepEqual(before.pool, []);
  for (let round = 0; round < deaths; round++) {
    const life = async (name: string, portMappings: ReturnType<typeof portMapping>[]) => {
      const config = podConfig(node, name, { portMappings });
      const { podSandboxId } = await node.client.runPodSandbox({ config });
      await node.client.stopPodSandbox({ podSandboxId });
      await node.client.removePodSandbox({ podSandboxId });
    };
    const lives = Promise.allSettled([
      life(`killed-${round}`, [portMapping(port)]),
      life(`killed-beside-${round}`, []),
    ]);
    await sleep(randomInt(0, 60));
    process.kill(node.daemonPid(), "SIGKILL");
    await lives;
    // A launcher that starts one daemon after another waits longer and longer, up to ten seconds: mostly there is a new one.
    await (round % 5 === 0 ? node.ready() : node.replaceLauncher());
    const { items } = await node.client.listPodSandbox({});
    for (const { id } of items) await node.client.removePodSandbox({ podSandboxId: id });
  }
  // A new node has the routes of host ports from its first one on; `before` has them.
  await cycle("warm-again", port);
  await expectSame(before, processesBefore);
});

test(`${atOnce} pods at once have ${atOnce} addresses`, async () => {
  const pods = await Promise.all(Array.from({ length: atOnce }, (_, index) => runPod(node, `many-${index}`)));
  const statuses = await Promise.all(
    pods.map(({ id }) => node.client.podSandboxStatus({ podSandboxId: id })),
  );
  const addresses = statuses.flatMap(({ status }) => [
    status?.network?.ip ?? "",
    ...(status?.network?.additionalIps ?? []).map(({ ip }) => ip),
  ]);
  assert.ok(!addresses.includes(""));
  assert.equal(new Set(addresses).size, addresses.length);
  assert.ok(addresses.length >= atOnce);
  await Promise.all(pods.map(({ id }) => node.client.removePodSandbox({ podSandboxId: id })));
});

test("a range that is used up refuses the next pod, and a pod that goes makes room", async () => {
  const small = await startNode({ config: '[network]\nsubnet = "10.219.0.0/28"\n' });
  try {
    const pods = [];
    for (let index = 0; index < 13; index++) pods.push(await runPod(small, `full-${index}`));
    await assert.rejects(runPod(small, "one-too-many"), {
      details: /every address is taken.*network\.subnet/,
    });
    const { items } = await small.client.listPodSandbox({});
    assert.equal(items.length, 13);
    await small.client.removePodSandbox({ podSandboxId: pods[0]?.id ?? "" });
    await runPod(small, "fits");
  } finally {
    await small.stop();
  }
});

test("a node without an uplink program says so and runs pods that reach each other", async () => {
  const alone = await startNode({ config: '[network]\nuplink = "none"\n' });
  try {
    await talkingPods(alone);
  } finally {
    await alone.stop();
  }
});
