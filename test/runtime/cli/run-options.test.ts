import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { dist, type LichenNode, startNode } from "../../support/node.ts";
import { eventually, pullBusybox } from "../../support/pods.ts";

// What `lichen run` is asked for, seen from within the container.

let node: LichenNode;
let image: string;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
});
after(() => node.stop());

/** What a container with these options prints. */
async function printed(options: string[], ...command: string[]): Promise<string> {
  const { status, stdout, stderr } = await node.lichen("run", "--rm", ...options, image, ...command);
  assert.equal(status, 0, `lichen run ${options.join(" ")}: ${stderr}`);
  return stdout.trim();
}

test("who it runs as, where, and under which name", async () => {
  assert.equal(await printed(["-u", "1234:56"], "sh", "-c", "id -u; id -g"), "1234\n56");
  assert.equal(await printed(["--user", "nobody"], "id", "-un"), "nobody");
  assert.equal(await printed(["-w", "/made/for/it"], "pwd"), "/made/for/it");
  assert.equal(await printed(["--name", "my_app"], "hostname"), "my-app");
  assert.equal(await printed(["--name", "pod", "--hostname", "other"], "hostname"), "other");
  assert.equal(await printed(["--entrypoint", "echo"], "hello"), "hello");
});

test("variables of files come first, those of the command line count", async () => {
  const file = join(node.base, "variables");
  writeFileSync(file, "A=file\nB=file\n");
  assert.equal(await printed(["--env-file", file, "-e", "B=here"], "sh", "-c", "echo $A $B"), "file here");
});

test("confined by the default seccomp profile, unless asked", async () => {
  const mode = ["sh", "-c", "grep ^Seccomp: /proc/self/status | cut -f2"];
  assert.equal(await printed([], ...mode), "2");
  assert.equal(await printed(["--seccomp", "unconfined"], ...mode), "0");
  assert.equal(await printed(["--privileged"], ...mode), "0");
});

test("capabilities, a read-only root, devices", async () => {
  const bounding = ["sh", "-c", "grep ^CapBnd /proc/self/status | cut -f2"];
  assert.equal(await printed(["--cap-drop", "all", "--cap-add", "kill"], ...bounding), "0000000000000020");
  assert.equal(await printed(["--read-only"], "sh", "-c", "touch /x 2>/dev/null || echo no"), "no");
  const device = ["--device", "/dev/null:/dev/nothing"];
  assert.equal(await printed(device, "sh", "-c", "echo x > /dev/nothing && echo written"), "written");
});

test("the node's network is the node's", async () => {
  const link = ["readlink", "/proc/self/ns/net"];
  const { stdout } = await node.lichen("enter", "readlink", "/proc/self/ns/net");
  assert.equal(await printed(["--network", "host"], ...link), stdout.trim());
  assert.notEqual(await printed(["--network", "pod"], ...link), stdout.trim());
});

test("a limit holds, or is refused by the name of what is missing", async () => {
  const read = "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max /sys/fs/cgroup/pids.max";
  const limits = ["-m", "64m", "--cpus", "0.5", "--pids-limit", "50"];
  const { status, stdout, stderr } = await node.lichen("run", "--rm", ...limits, image, "sh", "-c", read);
  if (status === 0) assert.equal(stdout, "67108864\n50000 100000\n50\n");
  else assert.match(stderr, /memory|cgroup/);
  assert.deepEqual(JSON.parse((await node.lichen("pods", "-o", "json")).stdout), []);
});

test("a wrong option is status 2, and makes nothing", async () => {
  for (const wrong of [
    ["-m", "lots"],
    ["--cpus", "0"],
    ["-u", ":"],
    ["--name", "a/b"],
    ["--network", "moon"],
    ["--env-file", "/none"],
  ]) {
    const { status, stderr } = await node.lichen("run", ...wrong, image, "true");
    assert.equal(status, 2, stderr);
    assert.match(stderr, new RegExp(wrong[0] ?? ""));
  }
  assert.deepEqual(JSON.parse((await node.lichen("pods", "-o", "json")).stdout), []);
});

/** `lichen events` until it is interrupted, and what it has printed so far. */
function listening(...options: string[]): { child: ChildProcess; said: () => string } {
  const child = spawn(join(dist, "lichen"), ["--runtime-dir", node.runtimeDir, "events", ...options]);
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (more: string) => {
    text += more;
  });
  return { child, said: () => text };
}

test("events tell of each step of pod and container, as lines and as JSON", async () => {
  const plain = listening();
  const asJson = listening("-o", "json");
  // Whether somebody listens shows only in what is heard.
  await eventually(async () => {
    await printed([], "true");
    assert.match(plain.said(), /pod deleted/);
    assert.match(asJson.said(), /containerEventType/);
  });
  const { status } = await node.lichen("run", "--rm", "--name", "told", image, "sh", "-c", "exit 3");
  assert.equal(status, 3);
  await eventually(() => assert.match(plain.said(), /pod deleted \w+ told$/m));
  const steps = plain
    .said()
    .split("\n")
    .filter((line) => /\btold\b/.test(line))
    .map((line) => line.split(" ").slice(1, 3).join(" "));
  const life = ["created", "started", "stopped"];
  for (const kind of ["pod", "container"])
    assert.deepEqual(
      steps.filter((step) => step.startsWith(kind)).slice(0, 3),
      life.map((step) => `${kind} ${step}`),
    );
  assert.match(plain.said(), /container stopped \w+ told pod=told exit=3 reason=Error$/m);
  await eventually(() => assert.match(asJson.said(), /"told"/));
  for (const line of asJson.said().trim().split("\n")) assert.ok(JSON.parse(line).containerId);
  for (const { child } of [plain, asJson]) {
    child.kill("SIGINT");
    const [code] = await once(child, "exit");
    assert.equal(code, 0);
  }
});
