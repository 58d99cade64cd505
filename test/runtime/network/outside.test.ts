// A server elsewhere, in a network namespace of its own: pods reach it by the uplink, and it reaches pods by host ports only.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { NamespaceMode } from "#cri";
import { freePort, ownAddress, portMapping, serveAddresses, toolMounts } from "../../support/network-peer.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { eventually, pullBusybox, runContainer, runPod } from "../../support/pods.ts";
import { type StandIn, startStandIn } from "../../support/stand-in.ts";

const client = "/node/scripts/network-client.mjs";
/** Two pastas in a row: of 2023 they reset or forget a first connection now and then. */
const patience = 40_000;
const families = (["IPv4", "IPv6"] as const).map((family) => ({ family, host: ownAddress(family) }));

let node: LichenNode;
let image: string;
let outside: StandIn | undefined;
let missing = "";
const ports = { tcp: 0, udp: 0 };
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
  ports.tcp = await freePort();
  ports.udp = await freePort();
  const { uplink } = JSON.parse(readFileSync(`${node.runtimeDir}/node.json`, "utf8"));
  outside = await startStandIn(ports, uplink.address6 !== "").catch((error: unknown) => {
    missing = `no namespace behind pasta: ${error}`;
    return undefined;
  });
  if (uplink.kind === "none") missing = uplink.reason;
});
after(async () => {
  outside?.stop();
  await node.stop();
});

for (const { family, host } of families) {
  test(`a pod reaches a server elsewhere by ${family}, TCP and UDP`, async (t) => {
    if (missing !== "") return t.skip(missing);
    if (host === undefined) return t.skip(`this machine has no ${family} address but loopback's`);
    const { uplink } = JSON.parse(readFileSync(`${node.runtimeDir}/node.json`, "utf8"));
    if (family === "IPv6" && uplink.address6 === "") return t.skip("the uplink carries IPv4 only");
    const pod = await runPod(node, `asks-${family.toLowerCase()}`);
    const containerId = await runContainer(node, pod, image, "main", "exec sleep 1000", {
      mounts: toolMounts,
    });
    const run = async (...cmd: string[]) => {
      const { stdout, stderr } = await node.client.execSync({ containerId, cmd, timeout: 20 });
      return Buffer.from(stdout).toString() + Buffer.from(stderr).toString();
    };
    await eventually(async () => {
      const answer = await run("sh", "-c", `(echo there; sleep 1) | nc -w 2 ${host} ${ports.tcp}`);
      assert.match(answer, /^\S+ \d+\nthere\n$/, `tcp: ${answer}`);
    }, patience);
    await eventually(async () => {
      const answer = await run("/node/node", client, host, String(ports.udp), "there");
      assert.match(answer, /^\S+ there\n$/, `udp: ${answer}`);
    }, patience);
  });
}

test("pods have no way past what the server elsewhere offers: a port that is closed there is closed for them", async (t) => {
  const [{ host } = { host: undefined }] = families;
  if (missing !== "") return t.skip(missing);
  if (host === undefined) return t.skip("this machine has no IPv4 address but loopback's");
  const pod = await runPod(node, "asks-closed");
  const containerId = await runContainer(node, pod, image, "main", "exec sleep 1000", { mounts: toolMounts });
  const cmd = ["sh", "-c", `nc -w 2 ${host} ${await freePort()} </dev/null; echo ended $?`];
  const { stdout } = await node.client.execSync({ containerId, cmd, timeout: 20 });
  assert.match(Buffer.from(stdout).toString(), /^ended [1-9]/);
});

test("a pod on the node's network reaches the server elsewhere as other pods do", async (t) => {
  const [{ host } = { host: undefined }] = families;
  if (missing !== "") return t.skip(missing);
  if (host === undefined) return t.skip("this machine has no IPv4 address but loopback's");
  const pod = await runPod(node, "asks-from-node", {
    linux: { securityContext: { namespaceOptions: { network: NamespaceMode.NODE } } },
  });
  const containerId = await runContainer(node, pod, image, "main", "exec sleep 1000");
  const cmd = ["sh", "-c", `(echo there; sleep 1) | nc -w 2 ${host} ${ports.tcp}`];
  await eventually(async () => {
    const { stdout } = await node.client.execSync({ containerId, cmd, timeout: 20 });
    assert.match(Buffer.from(stdout).toString(), /^\S+ \d+\nthere\n$/);
  }, patience);
});

test("a server elsewhere reaches a pod's host ports, TCP and UDP, and no other port of it", async (t) => {
  const [{ host } = { host: undefined }] = families;
  if (missing !== "" || outside === undefined) return t.skip(missing);
  if (host === undefined) return t.skip("this machine has no IPv4 address but loopback's");
  const [tcp, udp, closed] = [await freePort(), await freePort(), await freePort()];
  const pod = await runPod(node, "served", { portMappings: [portMapping(tcp), portMapping(udp, "udp")] });
  await serveAddresses(node, pod, image);
  const from = outside;
  const connect = (port: number) =>
    from.run("timeout", "5", "bash", "-c", `exec 3<>/dev/tcp/${host}/${port} && head -n1 <&3`);
  await eventually(async () => assert.match((await connect(tcp)).stdout, /^\S+ \d+\n$/));
  const script = new URL("../../support/network-client.mjs", import.meta.url).pathname;
  await eventually(async () => {
    const { stdout } = await from.run(process.execPath, script, host, String(udp), "hello");
    assert.match(stdout, /^\S+ hello\n$/);
  });
  assert.notEqual((await connect(closed)).status, 0);
  assert.equal((await connect(closed)).stdout, "");
});
