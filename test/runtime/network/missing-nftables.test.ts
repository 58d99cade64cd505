// A kernel without nf_tables: what needs no rules works, what does is told, and pods that are to be isolated are refused.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  askTcp,
  askUdp,
  freePort,
  hostServer,
  ownAddress,
  portMapping,
  serveAddresses,
} from "../../support/network-peer.ts";
import { startNode } from "../../support/node.ts";
import { conditionsOf, talkingPods } from "../../support/pod-pair.ts";
import { eventually, pullBusybox, runPod } from "../../support/pods.ts";

const directory = mkdtempSync(join(tmpdir(), "lichen-netfilter-"));
const program = join(directory, "without-netfilter");
const hint = "sudo modprobe -a nf_tables nft_chain_nat nft_masq nft_socket";
const refusal = /socket\(AF_NETLINK\): Protocol not supported \(EPROTONOSUPPORT\)/;
let missing: string | false = false;
before(() => {
  execFileSync("cc", ["-O1", "-o", program, join(import.meta.dirname, "../../fixtures/without-netfilter.c")]);
  const tried = spawnSync(program, ["true"], { encoding: "utf8" });
  if (tried.status !== 0) missing = `no seccomp filter to hide nf_tables with: ${tried.stderr}`;
});
after(() => rmSync(directory, { recursive: true, force: true }));

test("Status and doctor say that pods have no way out, and what to load; pods reach each other, and are reached by host ports", async (t) => {
  if (missing) return t.skip(missing);
  const node = await startNode({ by: [program] });
  try {
    const { uplink } = JSON.parse(readFileSync(`${node.runtimeDir}/node.json`, "utf8"));
    const before = await conditionsOf(node);
    assert.equal(before.get("NetworkReady")?.status, true);
    // Without an uplink there is nothing to masquerade towards, and its absence is told.
    if (uplink.kind === "none") t.diagnostic(`no uplink here: ${uplink.reason}`);
    else {
      const { status, reason, message = "" } = before.get("PodUplink") ?? {};
      assert.deepEqual([status, reason], [false, "NoMasquerade"]);
      assert.match(message, /^pods reach nothing beyond this node: /);
      assert.match(message, refusal);
      assert.ok(message.endsWith(`(${hint})`), message);
    }
    const doctor = await node.lichen("doctor");
    const told = doctor.stdout + doctor.stderr;
    assert.match(told, /nftables/);
    assert.match(told, refusal);
    assert.ok(told.includes(hint), told);

    const run = await talkingPods(node);
    const own = ownAddress("IPv4");
    if (own !== undefined) {
      const { server, port } = await hostServer(own);
      assert.equal(await run("sh", "-c", `sleep 1 | nc -w 2 ${own} ${port} 2>/dev/null`), "");
      server.close();
    }

    const [tcp, udp] = [await freePort(), await freePort()];
    const pod = await runPod(node, "served", { portMappings: [portMapping(tcp), portMapping(udp, "udp")] });
    await serveAddresses(node, pod, await pullBusybox(node));
    // A client that is not on loopback: it cannot keep its address without rules, and is served all the same.
    for (const host of ["127.0.0.1", ...(own === undefined ? [] : [own])]) {
      for (const [ask, port] of [
        [askTcp, tcp],
        [askUdp, udp],
      ] as const) {
        const { address, text } = await eventually(() => ask(host, port, "hello"));
        assert.match(address, /^10\.\d+\.0\.1$/, `${host}: the bridge's own address`);
        assert.equal(text, "hello");
      }
    }
    const clients = (await conditionsOf(node)).get("HostPortClients");
    assert.deepEqual([clients?.status, clients?.reason], [false, "NoTransparentSockets"]);
    assert.match(
      clients?.message ?? "",
      /^pods see the node's address instead of their clients' on host ports: /,
    );
    const { stdout } = await node.lichen("enter", "--", "ip", "rule");
    assert.doesNotMatch(stdout, /fwmark/, "a routing rule without the rule that it is for");
  } finally {
    await node.stop();
  }
});

test("pods that are to be isolated are refused with the reason, and nothing of them is left", async (t) => {
  if (missing) return t.skip(missing);
  const node = await startNode({ by: [program], config: "[network]\nisolate_pods = true\n" });
  try {
    const ready = (await conditionsOf(node)).get("NetworkReady");
    assert.deepEqual([ready?.status, ready?.reason], [false, "BridgeNotMade"]);
    assert.match(ready?.message ?? "", refusal);
    assert.ok(ready?.message.includes(hint), ready?.message);
    await assert.rejects(runPod(node, "isolated"), { details: refusal });
    assert.deepEqual((await node.client.listPodSandbox({})).items, []);
  } finally {
    await node.stop();
  }
});
