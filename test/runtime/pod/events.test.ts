import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ContainerEventResponse, ContainerEventType, ContainerState, PodSandboxState } from "#cri";
import { type LichenNode, startNode } from "../../support/node.ts";
import {
  createContainer,
  eventually,
  exited,
  pullBusybox,
  runContainer,
  runPod,
} from "../../support/pods.ts";

let node: LichenNode;
let image: string;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
});
after(() => node.stop());

const { CONTAINER_CREATED_EVENT, CONTAINER_STARTED_EVENT, CONTAINER_STOPPED_EVENT, CONTAINER_DELETED_EVENT } =
  ContainerEventType;
const wholeLife = [
  CONTAINER_CREATED_EVENT,
  CONTAINER_STARTED_EVENT,
  CONTAINER_STOPPED_EVENT,
  CONTAINER_DELETED_EVENT,
];

/** Listens from now on. */
function listen() {
  const heard: ContainerEventResponse[] = [];
  const end = new AbortController();
  const reading = (async () => {
    for await (const event of node.client.getContainerEvents({}, { signal: end.signal })) heard.push(event);
  })().catch((error: { code?: number }) => assert.equal(error.code, 1, "cancelled"));
  return {
    heard,
    of: (id: string) => heard.filter(({ containerId }) => containerId === id),
    async end() {
      end.abort();
      await reading;
    },
  };
}
const kinds = (events: ContainerEventResponse[]) => events.map((event) => event.containerEventType);

test("each step of a pod and its containers is told once, in order, with what is so after it", async () => {
  const events = listen();
  const pod = await runPod(node, "told");
  const id = await runContainer(node, pod, image, "main", "exit 3");
  await exited(node, id);
  await node.client.removePodSandbox({ podSandboxId: pod.id });
  await eventually(() => assert.deepEqual(kinds(events.of(pod.id)), wholeLife));
  assert.deepEqual(kinds(events.of(id)), wholeLife);
  const [created, started, stopped, deleted] = events.of(id);
  assert.equal(created?.podSandboxStatus?.metadata?.name, "told");
  assert.equal(created?.containersStatuses[0]?.state, ContainerState.CONTAINER_CREATED);
  assert.equal(started?.containersStatuses[0]?.state, ContainerState.CONTAINER_RUNNING);
  const [ended] = stopped?.containersStatuses ?? [];
  assert.deepEqual(
    [ended?.state, ended?.exitCode, ended?.reason],
    [ContainerState.CONTAINER_EXITED, 3, "Error"],
  );
  assert.deepEqual(deleted?.containersStatuses, []);
  assert.equal(deleted?.podSandboxStatus?.state, PodSandboxState.SANDBOX_NOTREADY);
  assert.ok(events.heard.every(({ createdAt }) => createdAt > 1.7e18));
  await events.end();
});

test("a container that cannot be started is told of as stopped, with the reason, and never as started", async () => {
  const events = listen();
  const pod = await runPod(node, "failing");
  const config = { command: ["/no/such/command"] };
  const id = await createContainer(node, pod, image, "main", "", config);
  await assert.rejects(node.client.startContainer({ containerId: id }));
  await node.client.removeContainer({ containerId: id });
  await eventually(() =>
    assert.deepEqual(kinds(events.of(id)), [
      CONTAINER_CREATED_EVENT,
      CONTAINER_STOPPED_EVENT,
      CONTAINER_DELETED_EVENT,
    ]),
  );
  const [status] = events.of(id)[1]?.containersStatuses ?? [];
  assert.deepEqual([status?.exitCode, status?.reason], [127, "ContainerCannotRun"]);
  await events.end();
});

test("containers that end at once are told of in full, each, however many there are", async () => {
  const events = listen();
  const pod = await runPod(node, "short");
  const ids = await Promise.all(
    Array.from({ length: 30 }, (_, index) => runContainer(node, pod, image, `c${index}`, "true")),
  );
  await Promise.all(ids.map((id) => exited(node, id)));
  await node.client.removePodSandbox({ podSandboxId: pod.id });
  await eventually(() => {
    for (const id of ids) assert.deepEqual(kinds(events.of(id)), wholeLife);
  });
  assert.equal(events.heard.length, 30 * 4 + 4);
  await events.end();
});

test("a listener that goes away is forgotten, and one that is there when the daemon stops hears of it", async () => {
  const gone = listen();
  await gone.end();
  const pod = await runPod(node, "after");
  const reading = (async () => {
    for await (const _event of node.client.getContainerEvents({})) {
      // Nothing happens any more.
    }
  })();
  process.kill(node.daemonPid(), "SIGTERM");
  await assert.rejects(reading, { code: 14 });
  await node.ready();
  await node.client.removePodSandbox({ podSandboxId: pod.id });
});
