// What the command line does about ports and networks.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { InspectedPod } from "../../../src/cli/commands/network.ts";
import { askTcp, freePort, portMapping, serveAddresses } from "../../support/network-peer.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { eventually, pullBusybox, runPod } from "../../support/pods.ts";

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

/** Sends so many bytes a second to a port that echoes them, in steps of 50 ms, until stopped. Gives what it has sent, a second, in fact. */
function steadyTransfer(port: number, bytesPerSecond: number): { stop(): Promise<number> } {
  const socket = connect({ host: "127.0.0.1", port });
  socket.on("error", () => {}).resume();
  let stopped = false;
  const sending = (async () => {
    await once(socket, "connect");
    const began = performance.now();
    let sent = 0;
    for (; !stopped; await sleep(50)) {
      const due = Math.floor(((performance.now() - began) / 1000) * bytesPerSecond) - sent;
      if (due > 0 && !socket.write(Buffer.alloc(due))) await once(socket, "drain");
      sent += Math.max(due, 0);
    }
    return (sent / (performance.now() - began)) * 1000;
  })();
  return {
    async stop() {
      stopped = true;
      const inFact = await sending;
      socket.destroy();
      return inFact;
    },
  };
}

test("network inspect tells a known transfer's rate, in its table and as JSON, while others ask for stats too", async () => {
  const port = await freePort();
  const pod = await runPod(node, "steady", { portMappings: [portMapping(port)] });
  await runPod(node, "idle");
  await serveAddresses(node, pod, image);
  await eventually(() => askTcp("127.0.0.1", port));
  let asking = true;
  const others = (async () => {
    for (; asking; await sleep(70)) await node.client.listPodSandboxStats({});
  })();
  const transfer = steadyTransfer(port, 5_000_000);
  await sleep(1500);
  const rates = [];
  for (let time = 0; time < 3; time++) {
    const { stdout } = await node.lichen("network", "inspect", "--output", "json");
    rates.push(JSON.parse(stdout) as InspectedPod[]);
  }
  const table = (await node.lichen("network", "inspect")).stdout;
  const inFact = await transfer.stop();
  asking = false;
  await others;
  const near = (told: number | undefined, what: string) =>
    assert.ok(Math.abs((told ?? 0) / inFact - 1) < 0.1, `${what}: ${told} B/s told, ${inFact} B/s sent`);
  for (const pods of rates) {
    const of = (name: string) => pods.find((one) => one.name === name)?.perSecond;
    near(of("steady")?.received, "received");
    near(of("steady")?.sent, "sent");
    assert.ok((of("idle")?.received ?? Number.NaN) < 100_000, `idle: ${of("idle")?.received}`);
  }
  const [, received, sent] = /^\S+ +steady .* ([\d.]+) MB\/s +([\d.]+) MB\/s *$/m.exec(table) ?? [];
  near(Number(received) * 1e6, `received in the table\n${table}`);
  near(Number(sent) * 1e6, `sent in the table\n${table}`);
});
