import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type ContainerConfig, type Outgoing, type PodSandboxConfig, SecurityProfileProfileType } from "#cri";
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

const invalidArgument = 3;
const notFound = 5;
const alreadyExists = 6;

let node: LichenNode;
let image: string;
let pod: TestPod;
let counted: Counts;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
  pod = await runPod(node, "host");
  counted = count(node);
});
after(() => node.stop());

/** A container under a profile of its own, with this rule. */
function seccomp(rule: object): Outgoing<ContainerConfig> {
  const localhostRef = join(node.base, "profile.json");
  const syscalls = [{ action: "SCMP_ACT_ALLOW", ...rule }];
  writeFileSync(localhostRef, JSON.stringify({ defaultAction: "SCMP_ACT_ERRNO", syscalls }));
  const profileType = SecurityProfileProfileType.Localhost;
  return { linux: { securityContext: { seccomp: { profileType, localhostRef } } } };
}

const unknownId = "f".repeat(64);

/** A call that must be refused, the gRPC status, and what its message must name. */
type Refusal = [what: string, call: () => Promise<unknown>, code: number, message: RegExp];

function refusals(): Refusal[] {
  const { client } = node;
  const runWith = (more: Outgoing<PodSandboxConfig>) =>
    client.runPodSandbox({ config: { ...podConfig(node, "refused"), ...more } });
  const createWith = (more: Outgoing<ContainerConfig>) =>
    createContainer(node, pod, image, "refused", "true", more);
  return [
    ["a pod without configuration", () => client.runPodSandbox({}), invalidArgument, /config/],
    ["a pod without metadata", () => runWith({ metadata: null }), invalidArgument, /metadata/],
    [
      "a pod with a name that is taken",
      () => client.runPodSandbox({ config: pod.config }),
      alreadyExists,
      /host/,
    ],
    [
      "an unknown runtime handler",
      () => client.runPodSandbox({ config: podConfig(node, "refused"), runtimeHandler: "kata" }),
      invalidArgument,
      /kata/,
    ],
    ["an unknown pod", () => client.podSandboxStatus({ podSandboxId: unknownId }), notFound, /ffff/],
    [
      "a container in an unknown pod",
      () => createContainer(node, { ...pod, id: unknownId }, image, "c", "true"),
      notFound,
      /ffff/,
    ],
    ["a container without metadata", () => createWith({ metadata: null }), invalidArgument, /metadata/],
    ["a container without image", () => createWith({ image: null }), invalidArgument, /image/],
    [
      "an image that is not there",
      () => createWith({ image: { image: "localhost:1/nothing:here" } }),
      notFound,
      /nothing/,
    ],
    [
      "an unknown user name",
      () => createWith({ linux: { securityContext: { runAsUsername: "nobody-here" } } }),
      invalidArgument,
      /nobody-here/,
    ],
    [
      "a mount of a path that is not there",
      () => createWith({ mounts: [{ hostPath: "/no/such/path", containerPath: "/mnt" }] }),
      notFound,
      /no\/such\/path/,
    ],
    [
      "a mount at a relative path",
      () => createWith({ mounts: [{ hostPath: "/tmp", containerPath: "mnt" }] }),
      invalidArgument,
      /mnt/,
    ],
    [
      "a mount at a path with a NUL in it, which would end it early",
      () => createWith({ mounts: [{ hostPath: "/tmp", containerPath: "/etc/hosts\0x" }] }),
      invalidArgument,
      /NUL/,
    ],
    [
      "a working directory with a NUL in it",
      () => createWith({ workingDir: "/tmp\0/../etc" }),
      invalidArgument,
      /process\.cwd.*NUL/,
    ],
    [
      "a seccomp profile that compares as nobody can",
      () => createWith(seccomp({ names: ["read"], args: [{ index: 0, value: 1, op: "SCMP_CMP_MAYBE" }] })),
      invalidArgument,
      /SCMP_CMP_MAYBE/,
    ],
    [
      "a seccomp profile about a seventh argument",
      () => createWith(seccomp({ names: ["read"], args: [{ index: 6, value: 1, op: "SCMP_CMP_EQ" }] })),
      invalidArgument,
      /index/,
    ],
    [
      "starting an unknown container",
      () => client.startContainer({ containerId: unknownId }),
      notFound,
      /ffff/,
    ],
    [
      "a command in an unknown container",
      () => client.execSync({ containerId: unknownId, cmd: ["true"] }),
      notFound,
      /ffff/,
    ],
    [
      "a reference that is none",
      () => client.pullImage({ image: { image: "NOT a reference" } }),
      invalidArgument,
      /NOT a reference/,
    ],
    [
      "a registry that is not there",
      () => client.pullImage({ image: { image: "127.0.0.1:1/library/x:latest" } }),
      14,
      /127\.0\.0\.1:1/,
    ],
    ["a pull without a reference", () => client.pullImage({}), invalidArgument, /image/],
  ];
}

test("what cannot be done is refused, naming what and why", async (t) => {
  for (const [what, call, code, message] of refusals()) {
    await t.test(what, async () => {
      await assert.rejects(call, (error: { code: number; details: string }) => {
        assert.match(error.details, message);
        assert.equal(error.code, code, error.details);
        return true;
      });
    });
  }
});

test("after all these refusals nothing of what was refused is there", async () => {
  await eventually(() => assert.deepEqual(count(node), counted), 5000);
});

test("a message larger than the limit is refused, and the connection goes on working", async () => {
  const large = { ...pod.config, annotations: { large: "x".repeat(17 * 1024 * 1024) } };
  await assert.rejects(node.client.runPodSandbox({ config: large }), { code: 8 });
  await node.client.version({});
});

test("what is not built yet says so", async () => {
  await assert.rejects(node.client.checkpointContainer({ containerId: unknownId }), { code: 12 });
  await assert.rejects(node.client.checkpointPod({}), { code: 12 });
});
