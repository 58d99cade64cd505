import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { dist, type LichenNode, startNode } from "../../support/node.ts";
import { eventually, exited, pullBusybox, runContainer, runPod, type TestPod } from "../../support/pods.ts";

let node: LichenNode;
let image: string;
let pod: TestPod;
let files: string;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
  pod = await runPod(node, "commands");
  await runContainer(node, pod, image, "main", "mkdir /data; exec sleep 100000");
  files = join(node.base, "files");
  mkdirSync(files);
});
after(() => node.stop());

/** Runs `lichen` with input. */
async function withInput(input: string, ...args: string[]) {
  const child = spawn(join(dist, "lichen"), ["--runtime-dir", node.runtimeDir, ...args], {
    env: { ...process.env, XDG_STATE_HOME: join(node.base, "state") },
  });
  child.stdin.end(input);
  const [stdout, stderr, status] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.once("close", resolve)),
  ]);
  return { status, stdout, stderr };
}

test("exec passes output on as it comes, input with -i, and the exit code", async () => {
  const plain = await node.lichen("exec", "main", "sh", "-c", "echo out; echo err >&2; exit 4");
  assert.deepEqual(plain, { status: 4, stdout: "out\n", stderr: "err\n" });
  assert.deepEqual(await withInput("a\nb\n", "exec", "-i", "main", "cat"), {
    status: 0,
    stdout: "a\nb\n",
    stderr: "",
  });
  const refused = await withInput("", "exec", "-it", "main", "sh");
  assert.equal(refused.status, 125);
  assert.match(refused.stderr, /no terminal.*\n.*leave -t out/);
});

test("exec -t gives the command a terminal", async () => {
  const { stdout } = await node.lichen("exec", "-t", "main", "tty");
  assert.match(stdout, /^\/dev\/pts\/\d+\r\n$/);
});

test("run -i is a filter: input in, output out, exit code on", async () => {
  const result = await withInput("3\n1\n2\n", "run", "-i", "--rm", image, "sh", "-c", "sort; exit 6");
  assert.deepEqual(result, { status: 6, stdout: "1\n2\n3\n", stderr: "" });
});

test("attach watches to the end and passes the exit code on", async () => {
  await runContainer(node, pod, image, "watched", "sleep 1; echo late; exit 2");
  const { status, stdout } = await node.lichen("attach", "--no-stdin", "watched");
  assert.deepEqual([status, stdout], [2, "late\n"]);
});

test("cp takes a directory there and back: content, modes and links", async () => {
  const tree = join(files, "tree");
  mkdirSync(join(tree, "deep"), { recursive: true });
  writeFileSync(join(tree, "deep/file"), "content");
  writeFileSync(join(tree, "script"), "#!/bin/sh\n");
  chmodSync(join(tree, "script"), 0o755);
  symlinkSync("deep/file", join(tree, "link"));
  assert.equal((await node.lichen("cp", tree, "main:/data")).status, 0);
  assert.equal((await node.lichen("cp", "main:/data/tree", join(files, "back"))).status, 0);
  assert.deepEqual(readdirSync(join(files, "back")).sort(), ["deep", "link", "script"]);
  assert.equal(readFileSync(join(files, "back/link"), "utf8"), "content");
  assert.equal(statSync(join(files, "back/script")).mode & 0o777, 0o755);
});

test("cp renames, into a directory or to a name, here and there", async () => {
  const file = join(files, "a.b[c]");
  writeFileSync(file, "x");
  for (const target of ["main:/data/new|name&", "main:/data/"]) {
    assert.deepEqual(await node.lichen("cp", file, target), { status: 0, stdout: "", stderr: "" });
  }
  const { stdout } = await node.lichen("exec", "main", "ls", "/data");
  assert.match(stdout, /^a\.b\[c\]$/m);
  assert.match(stdout, /^new\|name&$/m);
  assert.equal((await node.lichen("cp", "main:/data/new|name&", join(files, "again"))).status, 0);
  assert.equal(readFileSync(join(files, "again"), "utf8"), "x");
  // A name that tar would take for an option.
  assert.equal((await node.lichen("cp", file, "main:/data/--help")).status, 0);
  assert.equal((await node.lichen("cp", "main:/data/--help", join(files, "dashes"))).status, 0);
  assert.equal(readFileSync(join(files, "dashes"), "utf8"), "x");
});

test("cp says what is missing, and leaves nothing half-done", async () => {
  const before = readdirSync(files);
  const gone = await node.lichen("cp", "main:/no/such", files);
  assert.equal(gone.status, 1);
  assert.match(gone.stderr, /no such|No such/);
  assert.match((await node.lichen("cp", join(files, "no-such"), "main:/data")).stderr, /no such file/);
  assert.match((await node.lichen("cp", files, files)).stderr, /must be in a container/);
  assert.deepEqual(readdirSync(files), before);
});

test("cp lets a container write nowhere but where it was told to", async () => {
  const evil = "mkdir -p /evil/d && ln -s /tmp /evil/d/out && cd /evil && tar -cf /evil.tar d";
  const script = `${evil}; mkdir /fake; printf '#!/bin/sh\\ncat /evil.tar\\nprintf x\\n' > /fake/tar; exec sleep 100000`;
  const id = await runContainer(node, pod, image, "evil", script);
  await eventually(async () => {
    const { exitCode } = await node.client.execSync({
      containerId: id,
      cmd: ["test", "-f", "/fake/tar"],
      timeout: 5,
    });
    assert.equal(exitCode, 0);
  });
  assert.equal((await node.lichen("cp", "evil:/evil/d", join(files, "caught"))).status, 0);
  assert.deepEqual(readdirSync(join(files, "caught")), ["out"]);
});

test("logs of the attempt before, and since a time", async () => {
  const attempt = (number: number) => ({
    metadata: { name: "again", attempt: number },
    logPath: `again-${number}.log`,
  });
  await exited(node, await runContainer(node, pod, image, "again", "echo first", attempt(0)));
  const second = await runContainer(
    node,
    pod,
    image,
    "again",
    "echo second; sleep 1; echo third",
    attempt(1),
  );
  await exited(node, second);
  assert.equal((await node.lichen("logs", second)).stdout, "second\nthird\n");
  assert.equal((await node.lichen("logs", "-p", second)).stdout, "first\n");
  const [, time = ""] = /^(\S+) third/m.exec((await node.lichen("logs", "-t", second)).stdout) ?? [];
  assert.equal((await node.lichen("logs", "--since", time, second)).stdout, "third\n");
  assert.equal((await node.lichen("logs", "--since", "1h", second)).stdout, "second\nthird\n");
  assert.match((await node.lichen("logs", "--since", "soon", second)).stderr, /Give 90s/);
});
