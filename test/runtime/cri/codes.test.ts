import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ContainerConfig, NamespaceMode, type Outgoing, type PodSandboxConfig } from "#cri";
import { codes } from "../../support/life-model.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import {
  containerStatus,
  createContainer,
  exited,
  podConfig,
  pullBusybox,
  runContainer,
  runPod,
  type TestPod,
} from "../../support/pods.ts";

const { invalidArgument, notFound, alreadyExists, failedPrecondition, unimplemented, deadlineExceeded } =
  codes;
const unknown = "f".repeat(64);

let node: LichenNode;
let image: string;
let pod: TestPod;
let stopped: TestPod;
let running: string;
let created: string;
let ended: string;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
  pod = await runPod(node, "ready");
  stopped = await runPod(node, "stopped");
  await node.client.stopPodSandbox({ podSandboxId: stopped.id });
  running = await runContainer(node, pod, image, "running", "exec sleep 1000");
  created = await createContainer(node, pod, image, "created", "true");
  ended = await runContainer(node, pod, image, "ended", "true");
  await exited(node, ended);
});
after(() => node.stop());

/** RPC, what is wrong with the request, the call, and its status. */
type Row = [rpc: string, what: string, call: () => Promise<unknown>, code: number];

async function read(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _message of stream) {
    // Only how it ends counts.
  }
}

function podRows(): Row[] {
  const { client } = node;
  const run = (more: Outgoing<PodSandboxConfig>, runtimeHandler = "") =>
    client.runPodSandbox({ config: { ...podConfig(node, "bad"), ...more }, runtimeHandler });
  const linux = (fields: NonNullable<Outgoing<PodSandboxConfig>["linux"]>) => run({ linux: fields });
  const onNode = { securityContext: { namespaceOptions: { network: NamespaceMode.NODE } } };
  return [
    ["RunPodSandbox", "no config", () => client.runPodSandbox({}), invalidArgument],
    ["RunPodSandbox", "no metadata", () => run({ metadata: null }), invalidArgument],
    ["RunPodSandbox", "no name", () => run({ metadata: { name: "" } }), invalidArgument],
    [
      "RunPodSandbox",
      "a name that is taken",
      () => client.runPodSandbox({ config: pod.config }),
      alreadyExists,
    ],
    [
      "RunPodSandbox",
      "the name of a stopped pod",
      () => client.runPodSandbox({ config: stopped.config }),
      alreadyExists,
    ],
    ["RunPodSandbox", "a runtime handler that is none", () => run({}, "kata"), invalidArgument],
    ["RunPodSandbox", "a host name that is none", () => run({ hostname: "a b" }), invalidArgument],
    ["RunPodSandbox", "a relative log directory", () => run({ logDirectory: "logs" }), invalidArgument],
    ["RunPodSandbox", "a relative cgroup", () => linux({ cgroupParent: "pods/x" }), invalidArgument],
    ["RunPodSandbox", "a cgroup that leads out", () => linux({ cgroupParent: "/a/../.." }), invalidArgument],
    ["RunPodSandbox", "lichen's own cgroup", () => linux({ cgroupParent: "/lichen/x" }), invalidArgument],
    ["RunPodSandbox", "a sysctl that is none", () => linux({ sysctls: { "a b": "1" } }), invalidArgument],
    [
      "RunPodSandbox",
      "a sysctl of the node's network",
      () => linux({ ...onNode, sysctls: { "net.ipv4.ip_forward": "1" } }),
      invalidArgument,
    ],
    ["StopPodSandbox", "no id", () => client.stopPodSandbox({}), invalidArgument],
    ["RemovePodSandbox", "no id", () => client.removePodSandbox({}), invalidArgument],
    ["PodSandboxStatus", "no id", () => client.podSandboxStatus({}), invalidArgument],
    ["PodSandboxStatus", "unknown", () => client.podSandboxStatus({ podSandboxId: unknown }), notFound],
    ["PodSandboxStats", "no id", () => client.podSandboxStats({}), invalidArgument],
    ["PodSandboxStats", "unknown", () => client.podSandboxStats({ podSandboxId: unknown }), notFound],
    ["PortForward", "no id", () => client.portForward({ port: [80] }), invalidArgument],
    ["PortForward", "unknown", () => client.portForward({ podSandboxId: unknown, port: [80] }), notFound],
    [
      "PortForward",
      "a stopped pod",
      () => client.portForward({ podSandboxId: stopped.id, port: [80] }),
      failedPrecondition,
    ],
    ["UpdatePodSandboxResources", "no id", () => client.updatePodSandboxResources({}), invalidArgument],
    [
      "UpdatePodSandboxResources",
      "unknown",
      () => client.updatePodSandboxResources({ podSandboxId: unknown }),
      notFound,
    ],
    [
      "UpdatePodSandboxResources",
      "a stopped pod",
      () => client.updatePodSandboxResources({ podSandboxId: stopped.id }),
      failedPrecondition,
    ],
  ];
}

function createRows(): Row[] {
  const { client } = node;
  const create = (more: Outgoing<ContainerConfig>, name = "bad") =>
    createContainer(node, pod, image, name, "true", more);
  const mount = (hostPath: string, containerPath: string) =>
    create({ mounts: [{ hostPath, containerPath }] });
  const resources = (fields: object) => create({ linux: { resources: fields } });
  const row = (what: string, call: () => Promise<unknown>, code: number): Row => [
    "CreateContainer",
    what,
    call,
    code,
  ];
  return [
    row("nothing", () => client.createContainer({}), invalidArgument),
    row("no config", () => client.createContainer({ podSandboxId: pod.id }), invalidArgument),
    row(
      "no sandbox config",
      () => client.createContainer({ podSandboxId: pod.id, config: { image: { image } } }),
      invalidArgument,
    ),
    row("no metadata", () => create({ metadata: null }), invalidArgument),
    row("no image", () => create({ image: null }), invalidArgument),
    row("an image that is not here", () => create({ image: { image: "x.y/z:1" } }), notFound),
    row("an unknown pod", () => createContainer(node, { ...pod, id: unknown }, image, "c", "true"), notFound),
    row("a stopped pod", () => createContainer(node, stopped, image, "c", "true"), failedPrecondition),
    row("a name that is taken", () => create({}, "running"), alreadyExists),
    row("the name of an exited container", () => create({}, "ended"), alreadyExists),
    row("a log outside of its directory", () => create({ logPath: "../../x.log" }), invalidArgument),
    row("a relative mount", () => mount("/tmp", "mnt"), invalidArgument),
    row("a host path that is not there", () => mount("/no/such/path", "/mnt"), notFound),
    row("a file of no controller", () => resources({ unified: { "cgroup.kill": "1" } }), invalidArgument),
    row(
      "less swap than memory",
      () => resources({ memoryLimitInBytes: 10, memorySwapLimitInBytes: 5 }),
      invalidArgument,
    ),
    row(
      "a user that is not in the image",
      () => create({ linux: { securityContext: { runAsUsername: "nobody-here" } } }),
      invalidArgument,
    ),
    row(
      "a capability that is none",
      () => create({ linux: { securityContext: { capabilities: { addCapabilities: ["FLY"] } } } }),
      invalidArgument,
    ),
  ];
}

function containerRows(): Row[] {
  const { client } = node;
  const named = [
    "startContainer",
    "containerStatus",
    "containerStats",
    "reopenContainerLog",
    "attach",
  ] as const;
  const cmd = ["true"];
  const linux = { cpuShares: 5 };
  return [
    ...named.flatMap((name): Row[] => [
      [name, "no id", () => client[name]({}), invalidArgument],
      [
        name,
        "unknown",
        () => client[name]({ containerId: unknown, ...(name === "attach" ? { stdout: true } : {}) }),
        notFound,
      ],
    ]),
    ["StartContainer", "running", () => client.startContainer({ containerId: running }), failedPrecondition],
    ["StartContainer", "exited", () => client.startContainer({ containerId: ended }), failedPrecondition],
    ["StopContainer", "no id", () => client.stopContainer({}), invalidArgument],
    ["RemoveContainer", "no id", () => client.removeContainer({}), invalidArgument],
    [
      "ReopenContainerLog",
      "exited",
      () => client.reopenContainerLog({ containerId: ended }),
      failedPrecondition,
    ],
    ["ExecSync", "no id", () => client.execSync({ cmd }), invalidArgument],
    ["ExecSync", "no command", () => client.execSync({ containerId: running }), invalidArgument],
    ["ExecSync", "unknown", () => client.execSync({ containerId: unknown, cmd }), notFound],
    ["ExecSync", "created", () => client.execSync({ containerId: created, cmd }), failedPrecondition],
    ["ExecSync", "exited", () => client.execSync({ containerId: ended, cmd }), failedPrecondition],
    [
      "ExecSync",
      "a command that takes too long",
      () => client.execSync({ containerId: running, cmd: ["sleep", "60"], timeout: 1 }),
      deadlineExceeded,
    ],
    ["Exec", "no id", () => client.exec({ cmd, stdout: true }), invalidArgument],
    ["Exec", "no command", () => client.exec({ containerId: running, stdout: true }), invalidArgument],
    ["Exec", "unknown", () => client.exec({ containerId: unknown, cmd, stdout: true }), notFound],
    ["Exec", "exited", () => client.exec({ containerId: ended, cmd, stdout: true }), failedPrecondition],
    ["Attach", "exited", () => client.attach({ containerId: ended, stdout: true }), failedPrecondition],
    ["UpdateContainerResources", "no id", () => client.updateContainerResources({ linux }), invalidArgument],
    [
      "UpdateContainerResources",
      "no resources",
      () => client.updateContainerResources({ containerId: running }),
      invalidArgument,
    ],
    [
      "UpdateContainerResources",
      "unknown",
      () => client.updateContainerResources({ containerId: unknown, linux }),
      notFound,
    ],
    [
      "UpdateContainerResources",
      "exited",
      () => client.updateContainerResources({ containerId: ended, linux }),
      failedPrecondition,
    ],
  ];
}

function otherRows(): Row[] {
  const { client } = node;
  const reference = { image: "NOT a reference" };
  return [
    ["PullImage", "no image", () => client.pullImage({}), invalidArgument],
    ["PullImage", "a reference that is none", () => client.pullImage({ image: reference }), invalidArgument],
    [
      "PullImage",
      "a registry that is away",
      () => client.pullImage({ image: { image: "127.0.0.1:1/x" } }),
      14,
    ],
    ["ImageStatus", "no image", () => client.imageStatus({}), invalidArgument],
    ["RemoveImage", "no image", () => client.removeImage({}), invalidArgument],
    ["CheckpointContainer", "anything", () => client.checkpointContainer({}), unimplemented],
    ["CheckpointPod", "anything", () => client.checkpointPod({}), unimplemented],
    ["RestorePod", "anything", () => client.restorePod({}), unimplemented],
  ];
}

test("every bad request has its own status, never UNKNOWN", async (t) => {
  for (const [rpc, what, call, code] of [...podRows(), ...createRows(), ...containerRows(), ...otherRows()]) {
    await t.test(`${rpc}: ${what}`, async () => {
      await assert.rejects(call, (error: { code: number; details: string }) => {
        assert.equal(error.code, code, error.details);
        assert.notEqual(error.details, "");
        return true;
      });
    });
  }
});

test("to stop and remove what is not there, or no longer runs, is fine", async () => {
  const { client } = node;
  await client.stopPodSandbox({ podSandboxId: unknown });
  await client.removePodSandbox({ podSandboxId: unknown });
  await client.stopPodSandbox({ podSandboxId: stopped.id });
  await client.stopContainer({ containerId: unknown, timeout: 5 });
  await client.removeContainer({ containerId: unknown });
  await client.stopContainer({ containerId: ended, timeout: 5 });
  const before = await containerStatus(node, ended);
  assert.deepEqual([before.exitCode, before.reason], [0, "Completed"]);
});

test("lists of what is not there are empty, whatever the filter names", async () => {
  const { client } = node;
  const filter = { id: unknown };
  assert.deepEqual((await client.listPodSandbox({ filter })).items, []);
  assert.deepEqual((await client.listContainers({ filter: { podSandboxId: unknown } })).containers, []);
  assert.deepEqual((await client.listContainerStats({ filter })).stats, []);
  assert.deepEqual((await client.listPodSandboxStats({ filter })).stats, []);
  await read(client.streamPodSandboxStats({ filter }));
});
