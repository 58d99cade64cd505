// Launchers come and go, pods stay: a stand-in for a pod's monitor keeps the node's namespaces.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { eventually, isAlive, LauncherUnderTest, namespacesOf, startTime } from "../../support/launcher.ts";

/**
 * A daemon that starts one "monitor" as a pod has it: a session of its own, its own network namespace, a PID file. Only the first daemon
 * does; the next ones find it.
 */
const withPod = (runtimeDir: string) => [
  "/bin/sh",
  "-c",
  `pod=${runtimeDir}/pods/0123456789abcdef
   if ! [ -e $pod ]; then
     mkdir -p $pod
     setsid unshare --net sh -c 'echo "$$ $(cut -d" " -f22 /proc/$$/stat)" > '$pod/monitor.pid'; exec sleep 1000' < /dev/null > /dev/null 2>&1 3>&- &
   fi
   exec sleep 1000`,
];

describe("a launcher after another one", () => {
  let node: LauncherUnderTest;
  beforeEach(() => {
    node = new LauncherUnderTest();
  });
  afterEach(() => node.cleanUp());

  const monitor = () => node.pidIn("pods/0123456789abcdef/monitor.pid");
  const serveWithPod = async (...args: string[]) => {
    await node.serve(withPod(node.runtimeDir), { args });
    return eventually("the pod's monitor", monitor);
  };

  test("rejoins the namespaces that a pod kept, whatever killed the first", async () => {
    const pod = await serveWithPod();
    const before = namespacesOf(node.daemonPid() ?? 0);
    const info = node.info();
    const [daemon, uplink] = [node.daemonPid() ?? 0, node.pidIn("uplink.pid")];
    assert.notEqual(namespacesOf(pod).net, before.net);
    await node.end("SIGKILL");

    await node.serve(withPod(node.runtimeDir));
    assert.deepEqual(namespacesOf(node.daemonPid() ?? 0), before);
    assert.deepEqual(node.info(), info);
    assert.equal(isAlive(daemon), false, "the first daemon is gone");
    assert.equal(isAlive(pod), true, "the pod lives");
    assert.equal(node.pidIn("uplink.pid"), uplink, "the uplink was adopted");
    assert.match(node.log(), /rejoined the namespaces of the living pods/);
    if (info.cgroup.delegated) {
      const seated = (await node.inside("cat /sys/fs/cgroup/node/cgroup.procs")).split("\n").map(Number);
      assert.ok(seated.includes(node.pid), "the launcher is back in the node's cgroup");
    }
  });

  test("starts a new uplink when the old one died meanwhile", async (t) => {
    await serveWithPod();
    const { uplink } = node.info();
    const first = node.pidIn("uplink.pid");
    if (first === undefined) return t.skip(`no uplink: ${uplink.reason}`);
    await node.end("SIGKILL");
    process.kill(first, "SIGKILL");
    await eventually("the uplink's end", () => !isAlive(first));
    await node.serve(withPod(node.runtimeDir));
    assert.notEqual(node.pidIn("uplink.pid") ?? first, first);
    assert.deepEqual(node.info().uplink, uplink);
    assert.equal(await node.inside(`cat /sys/class/net/${uplink.interface}/mtu`), `${uplink.mtu}\n`);
  });

  test("rejoins after an orderly end too: pods and uplink live on", async () => {
    const pod = await serveWithPod();
    const before = namespacesOf(node.daemonPid() ?? 0);
    const uplink = node.pidIn("uplink.pid");
    await node.end("SIGTERM");
    assert.equal(isAlive(pod), true);
    assert.equal(node.pidIn("uplink.pid"), uplink);
    await node.serve(withPod(node.runtimeDir));
    assert.deepEqual(namespacesOf(node.daemonPid() ?? 0), before);
  });

  test("starts afresh when nobody is left, and ends the uplink that is", async () => {
    const pod = await serveWithPod();
    const before = namespacesOf(node.daemonPid() ?? 0);
    const uplink = node.pidIn("uplink.pid");
    const daemon = node.daemonPid() ?? 0;
    await node.end("SIGKILL");
    await eventually("the daemon's end", () => !isAlive(daemon));
    process.kill(pod, "SIGKILL");
    await eventually("the pod's end", () => !isAlive(pod));
    await node.serve(["/bin/sleep", "1000"]);
    assert.notEqual(namespacesOf(node.daemonPid() ?? 0).user, before.user);
    if (uplink !== undefined) assert.equal(isAlive(uplink), false);
  });

  test("follows a killed one at once, while its daemon is still dying", async () => {
    await node.serve(["/bin/sleep", "1000"], { args: ["--uplink", "none"] });
    for (let round = 0; round < 5; round++) {
      const daemon = node.daemonPid();
      await node.end("SIGKILL");
      node.start(["/bin/sleep", "1000"], { args: ["--uplink", "none"] });
      await node.nextDaemon(daemon);
    }
    assert.equal(await node.end(), 128 + 15);
  });

  test("takes a PID that means another process by now for dead", async () => {
    const pod = join(node.runtimeDir, "pods/ffffffffffffffff");
    mkdirSync(pod, { recursive: true, mode: 0o700 });
    writeFileSync(join(pod, "monitor.pid"), `${process.pid} 1\n`);
    await node.serve(["/bin/sleep", "1000"], { args: ["--uplink", "none"] });
    assert.doesNotMatch(node.log(), /rejoined/);
  });

  test("does not follow a PID file into namespaces that are not the node's", async () => {
    const pod = join(node.runtimeDir, "pods/ffffffffffffffff");
    mkdirSync(pod, { recursive: true, mode: 0o700 });
    await node.serve(["/bin/sleep", "1000"], { args: ["--uplink", "none"] });
    // This very process: alive, and ours, but on the host side.
    writeFileSync(join(pod, "monitor.pid"), `${process.pid} ${startTime("self")}\n`);
    const daemon = node.daemonPid() ?? 0;
    await node.end("SIGKILL");
    await eventually("the daemon's end", () => !isAlive(daemon));
    node.start(["/bin/sleep", "1000"], { args: ["--uplink", "none"] });
    assert.equal(await node.ended(), 71);
    assert.match(
      node.log(),
      /rejoin namespaces of process \d+: they are not the ones that node.json names \(CANNOT_REJOIN\)/,
    );
  });
});
