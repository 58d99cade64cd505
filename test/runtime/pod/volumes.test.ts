import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ContainerConfig, Outgoing } from "#cri";
import { type LichenNode, startNode } from "../../support/node.ts";
import { containerStatus, pullBusybox, runContainer, runPod, type TestPod } from "../../support/pods.ts";

let node: LichenNode;
let image: string;
let pod: TestPod;
let directory: string;
let containers = 0;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
  pod = await runPod(node, "volumes");
  directory = join(node.base, "volume");
  mkdirSync(directory);
  writeFileSync(join(directory, "file"), "of the node\n");
});
after(() => node.stop());

async function inside(config: Outgoing<ContainerConfig>) {
  const id = await runContainer(node, pod, image, `c${++containers}`, "exec sleep 1000", config);
  const sh = async (script: string) => {
    const { stdout, stderr } = await node.client.execSync({
      containerId: id,
      cmd: ["sh", "-c", script],
      timeout: 20,
    });
    return Buffer.from(stdout).toString() + Buffer.from(stderr).toString();
  };
  return { id, sh };
}

test("a directory of the node is seen and written from both sides", async () => {
  const { id, sh } = await inside({ mounts: [{ hostPath: directory, containerPath: "/data/deep" }] });
  assert.equal(await sh("cat /data/deep/file; echo from within > /data/deep/new"), "of the node\n");
  assert.equal(readFileSync(join(directory, "new"), "utf8"), "from within\n");
  const { mounts } = await containerStatus(node, id);
  assert.deepEqual(
    mounts.map(({ hostPath, containerPath }) => [hostPath, containerPath]),
    [[directory, "/data/deep"]],
  );
});

test("a file, a link to a directory, and a path that has to be made first", async () => {
  symlinkSync(directory, join(node.base, "link"));
  const missing = join(node.base, "made/for/it");
  const { sh } = await inside({
    mounts: [
      { hostPath: join(directory, "file"), containerPath: "/etc/one-file" },
      { hostPath: join(node.base, "link"), containerPath: "/linked" },
      { hostPath: missing, containerPath: "/missing" },
    ],
  });
  assert.equal(await sh("cat /etc/one-file /linked/file; ls -A /missing"), "of the node\nof the node\n");
  assert.ok(existsSync(missing));
});

test("read-only is read-only", async () => {
  const { sh } = await inside({ mounts: [{ hostPath: directory, containerPath: "/data", readonly: true }] });
  assert.match(await sh("touch /data/x"), /Read-only file system/);
});

test("mounts at the runtime's own places take their place", async () => {
  const { sh } = await inside({
    mounts: [
      { hostPath: join(directory, "file"), containerPath: "/etc/hosts" },
      { hostPath: directory, containerPath: "/dev/shm" },
    ],
  });
  assert.equal(await sh("cat /etc/hosts /dev/shm/file"), "of the node\nof the node\n");
});

test("a mount inside another is not hidden by it, in whatever order they come", async () => {
  mkdirSync(join(directory, "inner"), { recursive: true });
  const { sh } = await inside({
    mounts: [
      { hostPath: node.dataDir, containerPath: "/data/inner" },
      { hostPath: directory, containerPath: "/data" },
    ],
  });
  assert.match(await sh("ls /data/inner"), /state\.db/);
});

test("shared memory is the pod's: one container reads what another wrote", async () => {
  const one = await inside({});
  const other = await inside({});
  await one.sh("echo shared > /dev/shm/note");
  assert.equal(await other.sh("cat /dev/shm/note"), "shared\n");
});

test("a device of the node is bound where it is wanted", async () => {
  const devices = [{ hostPath: "/dev/zero", containerPath: "/dev/nothing-but", permissions: "rw" }];
  const { sh } = await inside({ devices });
  assert.equal(await sh("dd if=/dev/nothing-but bs=4 count=1 2>/dev/null | od -An -tx1"), " 00 00 00 00\n");
});

test("what a container writes to its own files stays in its writable layer and ends with it", async () => {
  const { id, sh } = await inside({});
  await sh("echo x > /own; rm /etc/group; mkdir /d");
  const upper = join(node.dataDir, "containers", id, "upper");
  assert.equal(readFileSync(join(upper, "own"), "utf8"), "x\n");
  const { stats } = await node.client.containerStats({ containerId: id });
  assert.ok((stats?.writableLayer?.inodesUsed?.value ?? 0) >= 4);
  const fresh = await inside({});
  assert.match(
    await fresh.sh("ls /etc/group /own"),
    /^\/etc\/group$/m,
    "another container has the image's files",
  );
  await node.client.removeContainer({ containerId: id });
  assert.throws(() => statSync(upper), { code: "ENOENT" });
});

test("mount options are the volume's", async () => {
  const directory = join(node.base, "options");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "program"), "#!/bin/sh\necho ran\n", { mode: 0o755 });
  const mounts = [
    { hostPath: directory, containerPath: "/plain" },
    { hostPath: directory, containerPath: "/noexec", mountOptions: ["noexec", "nosuid"] },
  ];
  const id = await runContainer(node, pod, image, "options", "exec sleep 1000", { mounts });
  const run = async (path: string) => {
    const answer = await node.client.execSync({
      containerId: id,
      cmd: ["sh", "-c", `${path}/program; true`],
      timeout: 10,
    });
    return Buffer.concat([answer.stdout, answer.stderr]).toString();
  };
  assert.equal(await run("/plain"), "ran\n");
  assert.match(await run("/noexec"), /Permission denied/);
});

test("limits are those of the configuration, and else what the node was started with", async () => {
  const limited = await startNode({ config: '[containers.rlimits]\nNOFILE = "100:200"\nCORE = "0"\n' });
  try {
    const reference = await pullBusybox(limited);
    const own = await runPod(limited, "limited");
    const id = await runContainer(limited, own, reference, "limited", "exec sleep 1000");
    const cmd = [
      "sh",
      "-c",
      "ulimit -Sn; ulimit -Hn; ulimit -c; grep 'open files' /proc/1/limits /proc/self/limits | wc -l",
    ];
    const { stdout } = await limited.client.execSync({ containerId: id, cmd, timeout: 10 });
    assert.deepEqual(Buffer.from(stdout).toString().trim().split("\n").slice(0, 3), ["100", "200", "0"]);
  } finally {
    await limited.stop();
  }
  const id = await runContainer(node, pod, image, "unlimited", "exec sleep 1000");
  const answer = await node.client.execSync({
    containerId: id,
    cmd: ["sh", "-c", "ulimit -Sn"],
    timeout: 10,
  });
  const launcher = readFileSync(`/proc/${node.launcherPid}/limits`, "utf8");
  assert.equal(Buffer.from(answer.stdout).toString().trim(), /Max open files\s+(\d+)/.exec(launcher)?.[1]);
});
