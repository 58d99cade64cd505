import assert from "node:assert/strict";
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { capture } from "../../support/capture.ts";
import { dist, startNode } from "../../support/node.ts";
import { eventually, pullBusybox, runContainer, runPod } from "../../support/pods.ts";

const lichen = (...args: string[]) => capture(join(dist, "lichen"), args);

test("unshare runs a command that may remove what subordinate ids own", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "lichen-"));
  const file = join(directory, "file");
  const made = await lichen(
    "unshare",
    "--",
    "sh",
    "-c",
    `mkdir ${file} && touch ${file}/x && chown -R 7:7 ${file}; id -u`,
  );
  assert.equal(made.stdout, "0\n");
  if (lstatSync(file).uid === process.getuid?.())
    return t.skip("this user has no subordinate ids (/etc/subuid)");
  assert.throws(() => rmSync(file, { recursive: true }), /EACCES|EPERM/);
  assert.equal((await lichen("unshare", "rm", "-r", file)).status, 0);
  rmSync(directory, { recursive: true });
  assert.equal((await lichen("unshare", "--", "sh", "-c", "exit 3")).status, 3);
  assert.equal((await lichen("unshare", "--", "/nonexistent")).status, 127);
});

test("reset removes an instance with files of many owners, and only one that does not run", async () => {
  const node = await startNode();
  const image = await pullBusybox(node);
  const pod = await runPod(node, "kept");
  await runContainer(node, pod, image, "main", "touch /file; chown 12:12 /file; exec sleep 1000");
  const { info } = await node.client.podSandboxStatus({ podSandboxId: pod.id, verbose: true });
  const monitor = Number(JSON.parse(info.info ?? "{}").pid);
  const reset = (...args: string[]) => node.lichen("reset", "--data-dir", node.dataDir, ...args);

  const running = await reset("--yes", "--force");
  assert.equal(running.status, 1);
  assert.match(running.stderr, /its launcher runs \(PID \d+\)\nhint: end lichen serve first/);

  node.client.close();
  const daemon = node.daemonPid();
  process.kill(node.launcherPid, "SIGTERM");
  await eventually(() => assert.ok(!alive(daemon) && !alive(node.launcherPid)));
  const pods = await reset("--yes");
  assert.match(pods.stderr, /1 pods still run/);
  const unasked = await reset("--force");
  assert.equal(unasked.status, 1);
  assert.match(unasked.stderr, /nobody is there to be asked\nhint: add --yes/);
  assert.ok(existsSync(node.dataDir) && alive(monitor));

  const done = await reset("--yes", "--force");
  assert.deepEqual(done, {
    status: 0,
    stdout: `removed ${node.dataDir}\nremoved ${node.runtimeDir}\n`,
    stderr: "",
  });
  assert.ok(!existsSync(node.dataDir) && !existsSync(node.runtimeDir) && !alive(monitor));
  assert.equal((await reset("--yes")).stdout, "nothing to remove\n");
  rmSync(node.base, { recursive: true });
});

test("reset does not touch a directory that is not lichen's", async () => {
  const directory = mkdtempSync(join(tmpdir(), "lichen-"));
  const dataDir = join(directory, "data");
  mkdirSync(dataDir);
  writeFileSync(join(dataDir, "thesis.tex"), "years of work");
  const runtimeDir = join(directory, "run");
  const { status, stderr } = await lichen(
    "--runtime-dir",
    runtimeDir,
    "reset",
    "--yes",
    "--data-dir",
    dataDir,
  );
  assert.equal(status, 1);
  assert.match(stderr, /it holds files, but no state\.db/);
  assert.equal(readFileSync(join(dataDir, "thesis.tex"), "utf8"), "years of work");
  rmSync(directory, { recursive: true });
});

function alive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
