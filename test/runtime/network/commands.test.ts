// What the command line does about ports and networks.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { InspectedPod } from "../../../src/cli/commands/network.ts";
import { askTcp, freePort } from "../../support/network-peer.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { eventually, pullBusybox } from "../../support/pods.ts";

let node: LichenNode;
let image: string;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
});
after(() => node.stop());

test("run --publish serves a port; port and network inspect show it", async () => {
  const port = await freePort();
  const command = ["nc", "-ll", "-p", "80", "-e", "echo", "published"];
  const run = await node.lichen(
    "run",
    "-d",
    "--name",
    "web",
    "-p",
    `127.0.0.1:${port}:80`,
    image,
    ...command,
  );
  assert.equal(run.status, 0, run.stderr);
  await eventually(async () => {
    // The server answers without being asked, so that the line is its whole answer.
    const { address } = await askTcp("127.0.0.1", port, "");
    assert.equal(address, "published");
  });
  const shown = await node.lichen("port", "web");
  assert.match(shown.stdout, new RegExp(`127\\.0\\.0\\.1:${port} +80/tcp`));

  const table = await node.lichen("network", "inspect");
  assert.match(table.stdout, new RegExp(`web +10\\.\\d+\\.0\\.\\d+.*127\\.0\\.0\\.1:${port}->80/tcp.*/s`));
  const inspected = await node.lichen("network", "inspect", "web", "--output", "json");
  const [pod] = JSON.parse(inspected.stdout) as InspectedPod[];
  assert.equal(pod?.name, "web");
  assert.ok((pod?.total?.received ?? 0) > 0, "nothing is counted as received");
  assert.deepEqual(pod?.ports, [{ protocol: "tcp", hostIp: "127.0.0.1", hostPort: port, containerPort: 80 }]);
});

test("a port that is none is refused before anything is made", async () => {
  const run = await node.lichen("run", "--rm", "-p", "80:x", image, "true");
  assert.equal(run.status, 2);
  assert.match(run.stderr, /such as 8080:80/);
  assert.equal((await node.client.listPodSandbox({})).items.length, 1);
});
