import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { count } from "../../support/leaks.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import {
  createContainer,
  eventually,
  exited,
  logOf,
  pullBusybox,
  runContainer,
  runPod,
} from "../../support/pods.ts";

let node: LichenNode;
let image: string;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
  // What is made once and kept (bridge, connections, statements of the database) is not counted as a leak.
  await oneLife("warm-up");
});
after(() => node.stop());

async function oneLife(name: string): Promise<void> {
  const { client } = node;
  const pod = await runPod(node, name);
  const id = await runContainer(node, pod, image, "main", "exec sleep 1000");
  await client.execSync({ containerId: id, cmd: ["echo", "x"], timeout: 10 });
  await client.containerStats({ containerId: id });
  await exited(node, await runContainer(node, pod, image, "short", "echo done"));
  await client.stopContainer({ containerId: id, timeout: 0 });
  await client.stopPodSandbox({ podSandboxId: pod.id });
  await client.removePodSandbox({ podSandboxId: pod.id });
}

/** Runs `work` and expects everything that can be counted to be as it was; the kernel may take a moment over network namespaces. */
async function expectNothingKept(work: () => Promise<unknown>): Promise<void> {
  const { fds: descriptors, ...before } = count(node);
  await work();
  await eventually(() => {
    const { fds, ...after } = count(node);
    assert.deepEqual(after, before);
    // Fewer is fine: connections to a registry end some seconds after a pull.
    assert.ok(fds <= descriptors, `${descriptors} descriptors before, ${fds} after`);
  }, 5000);
}

test("twenty lives of pods leave no descriptor, mount, process, interface, cgroup or directory", async () => {
  await expectNothingKept(async () => {
    for (let round = 0; round < 5; round++) {
      await Promise.all([1, 2, 3, 4].map((number) => oneLife(`life-${round}-${number}`)));
    }
  });
});

test("a removed image leaves nothing, and neither does the next pull of it", async () => {
  await expectNothingKept(async () => {
    for (let round = 0; round < 3; round++) {
      await node.client.removeImage({ image: { image } });
      image = await pullBusybox(node);
    }
  });
});

test("a container that cannot start leaves nothing once it is removed", async () => {
  const { client } = node;
  await expectNothingKept(async () => {
    const pod = await runPod(node, "no-command");
    const config = { command: ["/no/such/command"] };
    const id = await createContainer(node, pod, image, "main", "", config);
    await assert.rejects(client.startContainer({ containerId: id }), /no\/such\/command/);
    await client.removePodSandbox({ podSandboxId: pod.id });
  });
});

test("a pod that is removed without being stopped leaves nothing", async () => {
  await expectNothingKept(async () => {
    const pod = await runPod(node, "at-once");
    await runContainer(node, pod, image, "main", 'trap "" TERM; while :; do sleep 0.1; done');
    await node.client.removePodSandbox({ podSandboxId: pod.id });
  });
});

test("a container's tree of directories that is deeper than a path can be long goes with it", async () => {
  await expectNothingKept(async () => {
    const pod = await runPod(node, "deep");
    const script = `name=$(printf %0200d 7); for i in $(seq 40); do mkdir $name; cd -P $name; touch file; done; echo made`;
    const id = await runContainer(node, pod, image, "main", script);
    assert.equal((await exited(node, id)).exitCode, 0);
    assert.equal(logOf(join(pod.config.logDirectory ?? "", "main.log")), "made\n");
    await node.client.removeContainer({ containerId: id });
    await node.client.removePodSandbox({ podSandboxId: pod.id });
  });
});
