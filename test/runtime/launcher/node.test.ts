// The node that `lichen-launcher serve` makes: namespaces, ids, files, mounts, cgroups, and what the daemon is born with.
import assert from "node:assert/strict";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { eventually, LauncherUnderTest, namespacesOf, startTime } from "../../support/launcher.ts";

const sleeper = ["/bin/sleep", "1000"];

/** Field of /proc/PID/status. */
const status = (pid: number | undefined, field: string) =>
  new RegExp(`^${field}:\\s*(.*)$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];

describe("a node", () => {
  const node = new LauncherUnderTest();
  before(() => node.serve(sleeper, { args: ["--uplink", "none"] }));
  after(() => node.cleanUp());

  test("has its own user, mount, network and cgroup namespaces, and the host's PID, IPC and UTS namespaces", () => {
    const [inside, outside] = [namespacesOf(node.daemonPid() ?? 0), namespacesOf("self")];
    for (const kind of ["user", "mnt", "net", "cgroup"]) assert.notEqual(inside[kind], outside[kind], kind);
    for (const kind of ["pid", "ipc", "uts"]) assert.equal(inside[kind], outside[kind], kind);
    assert.equal(namespacesOf(node.pid).user, outside.user, "the launcher itself stays on the host side");
  });

  test("maps the user to 0 and every subordinate range behind", async () => {
    const { idMap, uid, gid } = node.info();
    assert.deepEqual([uid, gid], [process.getuid?.(), process.getgid?.()]);
    assert.deepEqual(idMap.uids[0], [0, uid, 1]);
    assert.deepEqual(idMap.gids[0], [0, gid, 1]);
    const kernel = (await node.inside("cat /proc/self/uid_map")).trim().split("\n");
    assert.deepEqual(
      kernel.map((line) => line.trim().split(/\s+/).map(Number)),
      idMap.uids,
    );
    assert.equal(idMap.single, idMap.uids.length === 1);
    assert.equal((await node.inside("id -u; id -g; id -G")).trim(), "0\n0\n0");
  });

  test("keeps its files to the user", () => {
    assert.equal(statSync(node.runtimeDir).mode & 0o777, 0o700);
    for (const name of readdirSync(node.runtimeDir)) {
      assert.equal(lstatSync(node.file(name)).mode & 0o077, 0, name);
    }
    for (const [name, pid] of [
      ["launcher.pid", node.pid],
      ["daemon.pid", node.daemonPid()],
    ] as const) {
      assert.equal(node.read(name), `${pid} ${startTime(pid ?? 0)}\n`);
    }
  });

  test("sees host mounts come, and shares its own with containers", async () => {
    const root = (await node.inside("cat /proc/self/mountinfo"))
      .split("\n")
      .find((line) => line.split(" ")[4] === "/");
    assert.match(root ?? "", / shared:\d+ /);
  });

  test("has loopback up, forwarding on, ping for every mapped group, and a sysfs of its own network", async () => {
    assert.match(await node.inside("cat /sys/class/net/lo/operstate /sys/class/net/lo/flags"), /0x9\n$/);
    assert.equal(await node.inside("ls /sys/class/net"), "lo\n");
    assert.equal(await node.inside("cat /proc/sys/net/ipv4/ip_forward"), "1\n");
    const { gids } = node.info().idMap;
    const last = gids.reduce((sum, [, , count = 0]) => sum + count, 0) - 1;
    assert.deepEqual((await node.inside("cat /proc/sys/net/ipv4/ping_group_range")).trim().split(/\s+/), [
      "0",
      `${last}`,
    ]);
  });

  test("gives the daemon a clean start", () => {
    const pid = node.daemonPid();
    assert.deepEqual(readdirSync(`/proc/${pid}/fd`).sort(), ["0", "1", "2", "3"]);
    assert.equal(readlinkSync(`/proc/${pid}/fd/0`), "/dev/null");
    assert.match(readlinkSync(`/proc/${pid}/fd/3`), /^socket:/);
    assert.equal(status(pid, "SigBlk"), "0000000000000000");
    assert.equal(status(pid, "SigIgn"), "0000000000000000");
    assert.equal(status(pid, "Umask"), "0022");
    assert.equal(readlinkSync(`/proc/${pid}/cwd`), process.cwd());
    assert.equal(status(pid, "CapEff"), status(pid, "CapBnd"));
  });

  test("costs at most half a megabyte of launcher", () => {
    const pss = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${node.pid}/smaps_rollup`, "utf8"))?.[1];
    assert.ok(Number(pss) <= 512, `PSS is ${pss} kB`);
  });

  test("is alone in its runtime directory", async () => {
    const directories = ["--runtime-dir", node.runtimeDir, "--data-dir", node.base];
    const second = await LauncherUnderTest.run("serve", ...directories, "--", "/bin/true");
    assert.equal(second.status, 71);
    assert.match(second.stderr, new RegExp(`the launcher with PID ${node.pid} is serving it \\(LOCKED\\)`));
  });

  test("has others beside it", async () => {
    const other = new LauncherUnderTest();
    try {
      await other.serve(sleeper, { args: ["--uplink", "none"] });
      const [one, two] = [namespacesOf(node.daemonPid() ?? 0), namespacesOf(other.daemonPid() ?? 0)];
      for (const kind of ["user", "mnt", "net", "cgroup"]) assert.notEqual(one[kind], two[kind], kind);
    } finally {
      await other.cleanUp();
    }
  });
});

describe("a delegated cgroup", () => {
  const node = new LauncherUnderTest();
  before(() => node.serve(sleeper, { args: ["--uplink", "none"] }));
  after(() => node.cleanUp());

  test("is the root of the node's cgroup file system, empty but for the leaf `node`", async (t) => {
    const { cgroup } = node.info();
    if (!cgroup.delegated) return t.skip(cgroup.reason);
    assert.match(await node.inside("cat /proc/self/cgroup"), /^0::\/node$/m);
    assert.equal(await node.inside("cat /sys/fs/cgroup/cgroup.procs"), "");
    const seated = (await node.inside("cat /sys/fs/cgroup/node/cgroup.procs")).split("\n").map(Number);
    assert.ok(seated.includes(node.pid), "the launcher sits in the leaf");
    assert.ok(seated.includes(node.daemonPid() ?? 0), "the daemon sits in the leaf");
    const handed = (await node.inside("cat /sys/fs/cgroup/cgroup.subtree_control")).trim();
    assert.deepEqual(handed.split(" ").filter(Boolean), cgroup.controllers);
    await node.inside("mkdir -p /sys/fs/cgroup/a/b && rmdir /sys/fs/cgroup/a/b /sys/fs/cgroup/a");
  });

  test("goes away with the node", async (t) => {
    const { cgroup } = node.info();
    if (!cgroup.delegated) return t.skip(cgroup.reason);
    const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync("/proc/self/mounts", "utf8"))?.[1] ?? "";
    const directory = join(mount, cgroup.hostPath);
    assert.ok(statSync(directory).isDirectory());
    await node.end();
    assert.throws(() => statSync(directory), { code: "ENOENT" });
    assert.deepEqual(readdirSync(node.runtimeDir), ["launcher.lock"]);
  });
});

describe("a cgroup that the user names", () => {
  const node = new LauncherUnderTest();
  after(() => node.cleanUp());

  test("is made when it is missing, and stays when the node goes", async (t) => {
    const [mount] = /(?<=^\S+ )\S+(?= cgroup2 )/m.exec(readFileSync("/proc/self/mounts", "utf8")) ?? [""];
    const [own] = /(?<=^0::).*$/m.exec(readFileSync("/proc/self/cgroup", "utf8")) ?? [""];
    const directory = join(mount, own, `named-${process.pid}`);
    try {
      mkdirSync(directory);
      rmdirSync(directory);
    } catch (error) {
      return t.skip(`no cgroup of this user's own: ${(error as Error).message}`);
    }
    await node.serve(sleeper, { args: ["--uplink", "none", "--cgroup", directory] });
    assert.equal(node.info().cgroup.hostPath, join(own, `named-${process.pid}`));
    assert.match(await node.inside("cat /proc/self/cgroup"), /^0::\/node$/m);
    assert.equal(await node.inside("cat /sys/fs/cgroup/cgroup.procs"), "");
    await node.end();
    rmdirSync(join(directory, "node"));
    rmdirSync(directory);
  });
});

describe("a node without what it would like to have", () => {
  const node = new LauncherUnderTest();
  after(() => node.cleanUp());

  test("lives with one id when there are no ranges, and says so", async () => {
    await node.serve(sleeper, { args: ["--uplink", "none", "--ids", "single"] });
    const { idMap } = node.info();
    assert.deepEqual(idMap, {
      single: true,
      uids: [[0, process.getuid?.(), 1]],
      gids: [[0, process.getgid?.(), 1]],
    });
    assert.equal(await node.inside("cat /proc/self/setgroups"), "deny\n");
    await node.end();
  });

  test("names the missing programs and the commands that bring them", async () => {
    const bare = join(node.base, "bin");
    mkdirSync(bare);
    symlinkSync("/bin/sh", join(bare, "sh"));
    await node.serve(sleeper, { env: { PATH: bare } });
    assert.equal(node.info().idMap.single, true);
    assert.equal(node.info().uplink.kind, "none");
    assert.deepEqual(node.info().uplink.dns, []);
    const codes = node.warnings();
    for (const code of ["NEWUIDMAP_MISSING", "UPLINK_MISSING"]) assert.ok(codes.includes(code), `${codes}`);
    for (const { code, message, hint } of node.info().warnings) {
      await eventually(`${code} in the log`, () => node.log().includes(message));
      if (hint) await eventually(`the hint of ${code} in the log`, () => node.log().includes(hint));
    }
    await node.end();
  });

  test("lives without cgroups when told so", async () => {
    await node.serve(sleeper, { args: ["--uplink", "none", "--cgroup", "none"] });
    const { cgroup } = node.info();
    assert.equal(cgroup.delegated, false);
    assert.match(cgroup.reason, /--cgroup none/);
    await node.end();
  });

  test("refuses a cgroup that is none", async () => {
    node.start(sleeper, { args: ["--cgroup", node.base] });
    assert.equal(await node.ended(), 71);
    assert.match(node.log(), /use cgroup ".*": not below a cgroup2 mount/);
  });

  test("refuses a command line that it does not understand", async () => {
    const { status: code, stderr } = await LauncherUnderTest.run("serve", "--colour", "red");
    assert.equal(code, 64);
    assert.match(stderr, /"--colour": unknown option \(USAGE\)\nusage: /);
  });
});
