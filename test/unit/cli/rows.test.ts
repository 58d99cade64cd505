import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Container,
  ContainerState,
  type ContainerStats,
  type Image,
  type PodSandbox,
  PodSandboxState,
  type PodSandboxStats,
} from "#cri";
import { imageRows } from "../../../src/cli/commands/images.ts";
import { podRows } from "../../../src/cli/commands/pods.ts";
import { containerRows } from "../../../src/cli/commands/ps.ts";
import { nameFor } from "../../../src/cli/commands/run.ts";
import { containerStatsRow, podStatsRows } from "../../../src/cli/commands/stats.ts";

const id = "0123456789abcdef".repeat(4);
const now = 1_800_000_000e9;

const pod = {
  id,
  metadata: { name: "web", uid: "u", namespace: "default", attempt: 0 },
  state: PodSandboxState.SANDBOX_READY,
  createdAt: now - 60e9,
  labels: {},
} as PodSandbox;

const container = {
  id: id.replace("0", "f"),
  podSandboxId: id,
  metadata: { name: "server", attempt: 0 },
  image: { image: "sha256:aa", userSpecifiedImage: "docker.io/library/busybox" },
  imageRef: "sha256:aa",
  state: ContainerState.CONTAINER_RUNNING,
  createdAt: now - 5e9,
} as Container;

test("a container's row names its image as the user did, and its pod", () => {
  const row = ["f123456789ab", "server", "running", "5 s", "docker.io/library/busybox", "web"];
  assert.deepEqual(containerRows([container], [pod], now), [row]);
  assert.equal(
    containerRows([container], [], now)[0]?.[5],
    "0123456789ab",
    "a pod that is gone shows as its id",
  );
});

test("a pod's row", () => {
  assert.deepEqual(podRows([pod], now), [["0123456789ab", "web", "default", "ready", "1 min"]]);
});

test("an image has a row for each tag, or one for its digest", () => {
  const image = {
    id: `sha256:${id}`,
    size: 4_000_000,
    repoTags: ["r/a:1", "r/a:2"],
    repoDigests: ["r/a@sha256:bb"],
  };
  assert.deepEqual(imageRows([image as unknown as Image]), [
    ["r/a:1", "0123456789ab", "4 MB"],
    ["r/a:2", "0123456789ab", "4 MB"],
  ]);
  const rows = imageRows([{ ...image, repoTags: [] } as unknown as Image]);
  assert.deepEqual(rows, [["r/a@sha256:bb", "0123456789ab", "4 MB"]]);
});

test("what the kernel does not tell is a dash", () => {
  const bare = { attributes: { id, metadata: { name: "server", attempt: 0 } } } as ContainerStats;
  assert.deepEqual(containerStatsRow(bare), ["0123456789ab", "server", "-", "-", "-", "-", "-", "-", "-"]);
  const podStats = { attributes: { id, metadata: { name: "web" } }, linux: { containers: [bare] } };
  assert.deepEqual(podStatsRows(podStats as unknown as PodSandboxStats), [
    ["0123456789ab", "web", "-", "-", "-", "-", "-", "-", "-"],
    ["  0123456789ab", "server", "-", "-", "-", "-", "-", "-", "-"],
  ]);
});

test("names made from images are host names", () => {
  const cases: [string, string][] = [
    ["busybox", "busybox-0a1b"],
    ["docker.io/library/alpine:3.22", "alpine-0a1b"],
    ["localhost:5000/My_App@sha256:00", "my-app-0a1b"],
    ["registry.example:5000/___", "container-0a1b"],
    [`x/${"y".repeat(80)}`, `${"y".repeat(50)}-0a1b`],
  ];
  for (const [image, name] of cases) assert.equal(nameFor(image, "0a1b"), name);
});
