// `lichen-launcher enter`: how a kubelet, critest or a curious person gets into the node.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { LauncherUnderTest, namespacesOf } from "../../support/launcher.ts";

describe("enter", () => {
  const node = new LauncherUnderTest();
  before(() => node.serve(["/bin/sleep", "1000"], { args: ["--uplink", "none"] }));
  after(() => node.cleanUp());

  test("puts the command into the daemon's namespaces as root of them", async () => {
    const links = await node.inside(
      "for kind in user mnt net cgroup pid; do readlink /proc/self/ns/$kind; done",
    );
    const { user, mnt, net, cgroup, pid } = namespacesOf(node.daemonPid() ?? 0);
    assert.deepEqual(links.trim().split("\n"), [user, mnt, net, cgroup, pid]);
    assert.equal(await node.inside("id -u"), "0\n");
  });

  test("keeps environment and working directory, and hands on no descriptor", async () => {
    assert.equal(
      (await node.enter("/bin/sh", "-c", "echo $HOME; pwd")).stdout,
      `${process.env.HOME}\n${process.cwd()}\n`,
    );
    assert.deepEqual(
      (await node.inside("ls /proc/self/fd")).trim().split("\n"),
      ["0", "1", "2", "3"],
      "3 is ls's own",
    );
  });

  test("sits in the node's leaf where the way there is ours", async (t) => {
    if (!node.info().cgroup.delegated) return t.skip(node.info().cgroup.reason);
    assert.match(await node.inside("cat /proc/self/cgroup"), /^0::\/node$/m);
  });

  test("shows the user's systemd in the machine's place, or says why there is none", async (t) => {
    const { manager } = node.info().cgroup;
    const { status, stderr } = await LauncherUnderTest.run(
      ...["enter", "--runtime-dir", node.runtimeDir, "--cgroups", "systemd", "--"],
      ...["sh", "-c", "test -S /run/systemd/private && test -e /sys/fs/cgroup/init.scope"],
    );
    if (manager?.socket) return assert.equal(status, 0, stderr);
    assert.notEqual(status, 0);
    assert.match(stderr, /show the user's systemd .*\(NO_USER_MANAGER\)/);
    t.diagnostic("no systemd of this user answers here: the VM's tests have one");
  });

  test("passes the exit status on", async () => {
    assert.equal((await node.enter("/bin/sh", "-c", "exit 5")).status, 5);
    assert.equal((await node.enter("/nonexistent")).status, 127);
    const denied = await node.enter("/etc/passwd");
    assert.equal(denied.status, 126);
    assert.match(denied.stderr, /execute "\/etc\/passwd": Permission denied \(EACCES\)/);
  });

  test("says where nothing runs", async () => {
    const empty = mkdtempSync(join(tmpdir(), "lichen-"));
    const { status, stderr } = await LauncherUnderTest.run("enter", "--runtime-dir", empty, "--", "true");
    rmSync(empty, { recursive: true });
    assert.equal(status, 69);
    assert.match(stderr, /no daemon is running there; start one with `lichen serve` \(NOT_RUNNING\)/);
  });
});
