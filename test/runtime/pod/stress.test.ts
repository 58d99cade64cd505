import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ContainerState, NamespaceMode } from "#cri";
import { type Counts, count } from "../../support/leaks.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import {
  createContainer,
  eventually,
  podConfig,
  pullBusybox,
  runPod,
  type TestPod,
} from "../../support/pods.ts";
import { type Random, randomFrom } from "../../support/random.ts";

// Sixteen clients call whatever comes to their minds, sensible or not. LICHEN_LONG_TESTS=1 does so for a minute and a half; LICHEN_SEED
// repeats the choices, though not how they fall together.
const seconds = process.env.LICHEN_LONG_TESTS ? 90 : 20;
const seed = Number(process.env.LICHEN_SEED ?? Date.now() % 1_000_000);
const clients = 16;

let node: LichenNode;
let image: string;
let counted: Counts;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
  // What is made once and kept (the bridge, the cgroup of all pods) is no leak.
  const { id } = await runPod(node, "warm-up");
  await node.client.removePodSandbox({ podSandboxId: id });
  counted = count(node);
});
after(() => node.stop());

/** Never an UNKNOWN, and INTERNAL is a fault of ours. */
const expected = new Set([3, 4, 5, 6, 9, 12, 14]);

/** Ids that clients know of, of what lives and what is gone. */
const pods: TestPod[] = [];
const containers: string[] = [];
let made = 0;

type Action = (random: Random) => Promise<unknown>;

function actions(): Action[] {
  const { client } = node;
  const somePod = (random: Random) =>
    random.chance(0.05) || pods.length === 0
      ? { id: "no such pod", config: {} }
      : random.pick(pods.slice(-12));
  const someContainer = (random: Random) =>
    random.chance(0.05) || containers.length === 0 ? "" : random.pick(containers.slice(-40));
  const makePod: Action = async (random) => {
    // Names are few, so that clients compete for them; most pods are cheap ones.
    const network = random.chance(0.2) ? NamespaceMode.POD : NamespaceMode.NODE;
    const pid = random.pick([NamespaceMode.POD, NamespaceMode.CONTAINER, NamespaceMode.NODE]);
    const linux = { securityContext: { namespaceOptions: { network, pid } } };
    const config = podConfig(node, `pod-${random.below(12)}`, { linux });
    const { podSandboxId } = await client.runPodSandbox({ config });
    pods.push({ id: podSandboxId, config });
    if (pods.length > 30) pods.shift();
  };
  const create: Action = async (random) => {
    const script = random.pick(["exec sleep 1000", "exit 7", "trap '' TERM; sleep 1000 & wait", "true"]);
    const name = `c${random.below(4)}`;
    const command = random.chance(0.05) ? { command: ["/no/such/command"] } : {};
    const id = await createContainer(node, somePod(random), image, name, script, command);
    containers.push(id);
    made++;
  };
  const start: Action = (random) => client.startContainer({ containerId: someContainer(random) });
  const onPod = (call: "stopPodSandbox" | "removePodSandbox" | "podSandboxStatus" | "podSandboxStats") => {
    const action: Action = (random) => client[call]({ podSandboxId: somePod(random).id });
    return action;
  };
  const onContainer = (
    call: "removeContainer" | "containerStatus" | "containerStats" | "reopenContainerLog",
  ) => {
    const action: Action = (random) => client[call]({ containerId: someContainer(random) });
    return action;
  };
  const exec: Action = (random) =>
    client.execSync({
      containerId: someContainer(random),
      cmd: random.pick([["true"], ["no-such"], ["sleep", "5"]]),
      timeout: 1,
    });
  const update: Action = (random) =>
    client.updateContainerResources({ containerId: someContainer(random), linux: { cpuShares: 300 } });
  const stop: Action = (random) =>
    client.stopContainer({ containerId: someContainer(random), timeout: random.below(2) });
  const list: Action = () => Promise.all([client.listContainers({}), client.listPodSandboxStats({})]);
  const nonsense: Action = (random) =>
    random.pick<() => Promise<unknown>>([
      () => client.runPodSandbox({ config: { metadata: { name: "" } } }),
      () => client.runPodSandbox({ config: podConfig(node, "x"), runtimeHandler: "none" }),
      () => createContainer(node, somePod(random), "no/such:image", "x", "true"),
      () => client.checkpointContainer({ containerId: "x" }),
      () => client.containerStatus({}),
    ])();
  return [
    ...[makePod, makePod, create, create, create, create, start, start, start, start],
    ...[onPod("stopPodSandbox"), onPod("removePodSandbox"), onPod("podSandboxStatus")],
    ...[onContainer("removeContainer"), onContainer("containerStatus"), onContainer("containerStats")],
    ...[
      onContainer("reopenContainerLog"),
      onPod("podSandboxStats"),
      exec,
      update,
      stop,
      stop,
      list,
      nonsense,
    ],
  ];
}

async function behave(random: Random, until: number, answers: Map<number, number>): Promise<void> {
  const all = actions();
  while (Date.now() < until) {
    let code = 0;
    try {
      await random.pick(all)(random);
    } catch (error) {
      code = (error as { code?: number }).code ?? -1;
      assert.ok(expected.has(code), `seed ${seed}: ${String(error)}`);
    }
    answers.set(code, (answers.get(code) ?? 0) + 1);
  }
}

test(`${clients} clients call anything for ${seconds} s (LICHEN_SEED=${seed})`, async (t) => {
  const answers = new Map<number, number>();
  const daemon = node.daemonPid();
  const until = Date.now() + seconds * 1000;
  await Promise.all(
    Array.from({ length: clients }, (_, client) => behave(randomFrom(seed + client), until, answers)),
  );
  t.diagnostic(`${made} containers; answers by code: ${JSON.stringify([...answers])}`);
  assert.equal(node.daemonPid(), daemon, "the daemon has lived through it");
  assert.doesNotMatch(node.log(), /"code":"INTERNAL"|"level":"(error|fatal)"/);
});

test("afterwards lists and statuses agree", async () => {
  const { client } = node;
  for (const { id, state } of (await client.listPodSandbox({})).items) {
    const { status } = await client.podSandboxStatus({ podSandboxId: id });
    assert.equal(status?.state, state, id);
  }
  // A command may have ended between the two.
  await eventually(async () => {
    for (const { id, state } of (await client.listContainers({})).containers) {
      const { status } = await client.containerStatus({ containerId: id });
      assert.equal(status?.state, state, id);
      if (state !== ContainerState.CONTAINER_EXITED) continue;
      assert.notEqual(status?.reason, "", id);
      assert.ok((status?.finishedAt ?? 0) > 0, id);
    }
  });
});

test("all removed, nothing is left: no process, descriptor, mount, cgroup, interface or directory", async () => {
  const { client } = node;
  const { items } = await client.listPodSandbox({});
  await Promise.all(items.map(({ id }) => client.removePodSandbox({ podSandboxId: id })));
  assert.deepEqual((await client.listPodSandbox({})).items, []);
  assert.deepEqual((await client.listContainers({})).containers, []);
  await eventually(() => {
    const { fds, links, ...kept } = count(node);
    const { fds: first, links: before, ...were } = counted;
    assert.deepEqual(kept, were);
    // When it was counted, the kernel may still have been at taking away an earlier pod's.
    assert.deepEqual(
      links.filter((link) => !before.includes(link)),
      [],
    );
    assert.ok(fds <= first + 4, `${first} descriptors before, ${fds} after`);
  });
});
