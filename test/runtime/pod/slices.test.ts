// Pods in slices of the user's systemd. Here something stands in for that systemd, with real cgroups; test/vm/systemd-driver.test.ts has the real one.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { CgroupDriver, NamespaceMode, PodSandboxState } from "#cri";
import { type LichenNode, startNode } from "../../support/node.ts";
import { eventually, pullBusybox, runContainer, runPod, type TestPod } from "../../support/pods.ts";
import { cgroupMount, cgroupOf, removeCgroups, StandInManager } from "../../support/stand-in-manager.ts";

let systemd: StandInManager;
let node: LichenNode;
let image: string;
/** Why nothing of this can be tried here. */
let missing = "";

before(async () => {
  const started = await StandInManager.start();
  if (typeof started === "string") {
    missing = started;
    return;
  }
  systemd = started;
  node = await startNode({
    config: '[cgroups]\ndriver = "systemd"\n[network]\nuplink = "none"\n',
    env: systemd.env,
  });
  image = await pullBusybox(node);
});
after(async () => {
  try {
    await node?.stop();
  } finally {
    await systemd?.end();
  }
});

/** A test that is skipped where there are no cgroups to be had. */
const inCgroups = (name: string, work: () => Promise<void>) =>
  test(name, async (t) => (missing === "" ? work() : t.skip(missing)));

const verbose = async (pod: TestPod) =>
  JSON.parse(
    (await node.client.podSandboxStatus({ podSandboxId: pod.id, verbose: true })).info.info ?? "{}",
  ) as { pid: number; cgroup: string };
const pidOf = async (containerId: string) =>
  (
    JSON.parse((await node.client.containerStatus({ containerId, verbose: true })).info.info ?? "{}") as {
      pid: number;
    }
  ).pid;
const parent = "lichen-test-pod1.slice";
const inSlice = { linux: { cgroupParent: parent } };
const scopeOf = (pod: TestPod) =>
  join(systemd.root, `lichen.slice/lichen-test.slice/${parent}/lichen-${pod.id}.scope`);
async function remove(pod: TestPod): Promise<void> {
  await node.client.stopPodSandbox({ podSandboxId: pod.id });
  await node.client.removePodSandbox({ podSandboxId: pod.id });
  assert.ok(!existsSync(scopeOf(pod)));
  assert.ok(existsSync(dirname(scopeOf(pod))), "the slice is its owner's");
}

inCgroups("monitor and containers are in leaves of the pod's scope, which goes with the pod", async () => {
  const pod = await runPod(node, "placed", inSlice);
  const id = await runContainer(node, pod, image, "main", "exec sleep 1000");
  const { pid, cgroup } = await verbose(pod);
  assert.equal(cgroup, `systemd:/lichen.slice/lichen-test.slice/${parent}/lichen-${pod.id}.scope`);
  assert.equal(cgroupOf(pid), join(scopeOf(pod), pod.id));
  assert.equal(cgroupOf(await pidOf(id)), join(scopeOf(pod), id));
  const cmd = ["cat", "/proc/self/cgroup"];
  const { stdout } = await node.client.execSync({ containerId: id, cmd, timeout: 30 });
  assert.match(Buffer.from(stdout).toString(), /^0::\/$/m);
  const { stats } = await node.client.containerStats({ containerId: id });
  assert.ok(Number(stats?.cpu?.usageCoreNanoSeconds?.value) > 0);
  const whole = (await node.client.podSandboxStats({ podSandboxId: pod.id })).stats?.linux;
  assert.equal(Number(whole?.process?.processCount?.value), 3, "monitor, PID 1, container");
  const doctor = JSON.parse((await node.lichen("--output", "json", "doctor")).stdout) as {
    what: string;
    ok: boolean;
    detail: string;
  }[];
  const found = (what: string) => doctor.find((finding) => finding.what === what);
  assert.equal(found("systemd-slices")?.ok, true);
  assert.deepEqual([found("cgroups")?.ok, found("cgroups")?.detail], [true, "1, each with an owner"]);
  assert.equal((await node.client.runtimeConfig({})).linux?.cgroupDriver, CgroupDriver.SYSTEMD);
  await node.client.stopContainer({ containerId: id, timeout: 0 });
  await node.client.removeContainer({ containerId: id });
  assert.ok(!existsSync(join(scopeOf(pod), id)));
  await remove(pod);
});

inCgroups("PID namespaces of their own, and the node's network", async () => {
  for (const namespaceOptions of [
    { pid: NamespaceMode.CONTAINER },
    { network: NamespaceMode.NODE, ipc: NamespaceMode.NODE },
  ]) {
    const linux = { ...inSlice.linux, securityContext: { namespaceOptions } };
    const pod = await runPod(node, `kind-${Object.keys(namespaceOptions)[0]}`, { linux });
    const id = await runContainer(node, pod, image, "main", "exec sleep 1000");
    assert.equal(cgroupOf(await pidOf(id)), join(scopeOf(pod), id));
    await remove(pod);
  }
});

inCgroups("a monitor that is killed takes the pod along, and systemd the scope", async () => {
  const pod = await runPod(node, "killed", inSlice);
  await runContainer(node, pod, image, "main", "exec sleep 1000");
  process.kill((await verbose(pod)).pid, "SIGKILL");
  await eventually(async () => {
    const { status } = await node.client.podSandboxStatus({ podSandboxId: pod.id });
    assert.equal(status?.state, PodSandboxState.SANDBOX_NOTREADY);
  });
  await eventually(() => assert.ok(!existsSync(scopeOf(pod))));
  await remove(pod);
});

inCgroups("daemon and launcher are killed: their successors find the pod in its scope", async () => {
  const pod = await runPod(node, "lasting", inSlice);
  const id = await runContainer(node, pod, image, "main", "exec sleep 1000");
  const pid = await pidOf(id);
  const check = async () => {
    await node.ready();
    assert.equal(await pidOf(id), pid);
    const { exitCode } = await node.client.execSync({ containerId: id, cmd: ["true"], timeout: 30 });
    assert.equal(exitCode, 0);
    const later = await runContainer(node, pod, image, `later-${Date.now()}`, "exec sleep 1000");
    assert.equal(cgroupOf(await pidOf(later)), join(scopeOf(pod), later));
  };
  const daemon = node.daemonPid();
  process.kill(daemon, "SIGKILL");
  await eventually(() => assert.notEqual(node.daemonPid(), daemon));
  await check();
  process.kill(node.launcherPid, "SIGKILL");
  await node.restart();
  await check();
  await node.replaceLauncher();
  await check();
  // Nobody is in the node's own cgroup after the end of the launcher: it may be gone, and must then be made anew.
  const { hostPath } = JSON.parse(readFileSync(join(node.runtimeDir, "node.json"), "utf8")).cgroup;
  process.kill(node.launcherPid, "SIGTERM");
  await eventually(() => removeCgroups(join(cgroupMount, hostPath)));
  await node.restart();
  await check();
  const beside = await runPod(node, "beside");
  const other = await runContainer(node, beside, image, "main", "exec sleep 1000");
  assert.equal(cgroupOf(await pidOf(other)), join(cgroupMount, hostPath, "lichen", beside.id, other));
  await remove(pod);
});

inCgroups(
  "a systemd that is gone: the pod is refused and nothing of it is left; pods elsewhere are made",
  async () => {
    await systemd.kill();
    const failure = { code: 14, details: /reach the user's systemd: .*ECONNREFUSED/ };
    await assert.rejects(runPod(node, "refused", inSlice), failure);
    const { items } = await node.client.listPodSandbox({});
    assert.ok(!items.some(({ metadata }) => metadata?.name === "refused"));
    assert.deepEqual(readdirSync(join(node.runtimeDir, "pods")).length, items.length);
    await runPod(node, "elsewhere");
  },
);
