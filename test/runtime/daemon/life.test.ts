import assert from "node:assert/strict";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { capture } from "../../support/capture.ts";
import { dist, type LichenNode, startNode } from "../../support/node.ts";

/** Waits until another process serves, and answers its PID. */
async function daemonAfter(node: LichenNode, pid: number): Promise<number> {
  for (let tries = 0; tries < 500; tries++) {
    // There is no PID to read while no daemon runs.
    const now = existsSync(join(node.runtimeDir, "daemon.pid")) ? node.daemonPid() : pid;
    if (now !== pid) {
      await node.ready();
      return now;
    }
    await sleep(10);
  }
  assert.fail(`the launcher started no daemon after ${pid}\n${node.log()}`);
}

describe("the daemon's life", () => {
  let node: LichenNode;
  before(async () => {
    node = await startNode({ config: 'log.level = "debug"\n' });
  });
  after(() => node.stop());

  it("is ready, and says how long that took", () => {
    const ready = node.log().match(/"ms":(\d+),"msg":"ready"/);
    assert.ok(ready, node.log());
  });

  it("serves a socket that is the user's alone, in a directory that is", () => {
    assert.equal(statSync(join(node.runtimeDir, "lichen.sock")).mode & 0o777, 0o600);
    assert.equal(statSync(node.runtimeDir).mode & 0o777, 0o700);
  });

  it("answers what a kubelet asks first", async () => {
    const { status: answer } = await node.client.status({});
    const ready = answer?.conditions.find(({ type }) => type === "RuntimeReady");
    assert.equal(ready?.status, true);
    assert.ok(answer?.conditions.some(({ type }) => type === "NetworkReady"));
    assert.deepEqual((await node.client.runtimeConfig({})).linux, { cgroupDriver: 1 });
    assert.deepEqual((await node.client.listPodSandbox({})).items, []);
    assert.deepEqual((await node.client.listContainers({})).containers, []);
    assert.deepEqual((await node.client.listImages({})).images, []);
    assert.equal((await node.client.imageFsInfo({})).imageFilesystems.length, 1);
  });

  it("logs what it was configured to", () => {
    assert.match(node.log(), /"rpc":"Status"/);
  });

  it("is started again after it was killed, at the same socket", async () => {
    const pid = node.daemonPid();
    process.kill(pid, "SIGKILL");
    const next = await daemonAfter(node, pid);
    assert.notEqual(next, pid);
    assert.equal((await node.client.version({})).runtimeName, "lichen");
  });

  it("takes no other daemon beside it in the same directories", async () => {
    const second = await node.lichen("serve", "--data-dir", node.dataDir);
    assert.notEqual(second.status, 0);
    assert.equal((await node.client.version({})).runtimeName, "lichen");
  });

  it("refuses a malformed configuration before anything is made", async () => {
    const config = join(node.base, "wrong.toml");
    writeFileSync(config, "[cgroups]\nmissing = 'maybe'\n");
    const directories = ["--runtime-dir", join(node.base, "r2"), "--data-dir", join(node.base, "d2")];
    const done = await capture(
      join(dist, "lichen"),
      ["serve", ...directories, "--config", config],
      process.env,
    );
    assert.notEqual(done.status, 0);
    assert.match(done.stderr, /cgroups\.missing = "maybe": must be one of "refuse", "warn"/);
    assert.ok(!existsSync(join(node.base, "r2")) && !existsSync(join(node.base, "d2")));
  });

  it("answers errors with status, object and what to do", async () => {
    await assert.rejects(node.client.containerStatus({ containerId: "0123" }), {
      code: status.NOT_FOUND,
      details: /0123/,
    });
  });
});

describe("two nodes of one user", () => {
  it("run side by side and know nothing of each other", async () => {
    const [first, second] = await Promise.all([startNode(), startNode()]);
    try {
      assert.notEqual(first.daemonPid(), second.daemonPid());
      const sockets = [first, second].map((node) => statSync(join(node.runtimeDir, "lichen.sock")).ino);
      assert.notEqual(sockets[0], sockets[1]);
      for (const node of [first, second]) assert.equal((await node.client.version({})).runtimeName, "lichen");
    } finally {
      await Promise.all([first.stop(), second.stop()]);
    }
  });

  it("leave their socket behind to nobody when they stop", async () => {
    const node = await startNode();
    const socket = join(node.runtimeDir, "lichen.sock");
    process.kill(node.launcherPid, "SIGTERM");
    for (let tries = 0; existsSync(socket) && tries < 500; tries++) await sleep(10);
    assert.ok(!existsSync(socket));
    await node.restart();
    await node.stop();
  });
});
