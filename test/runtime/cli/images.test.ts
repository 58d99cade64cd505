import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { demoImage } from "../../fixtures/image-demo.ts";
import { Registry } from "../../fixtures/registry.ts";
import { capture } from "../../support/capture.ts";
import { dist, type LichenNode, startNode } from "../../support/node.ts";
import { eventually } from "../../support/pods.ts";

let node: LichenNode;
let registry: Registry;
let name: string;
let id: string;
before(async () => {
  node = await startNode();
  registry = await Registry.start();
  const image = await demoImage();
  id = image.id;
  registry.push("library/busybox", image, "latest", "1", "2");
  name = `${registry.host}/library/busybox`;
});
after(async () => {
  await node.stop();
  await registry.close();
});

/** Runs a command that must succeed and gives what it printed to stdout. */
async function lichen(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await node.lichen(...args);
  assert.equal(status, 0, `lichen ${args.join(" ")}: ${stderr}`);
  return stdout;
}

const tags = async () => (await node.client.listImages()).images.flatMap(({ repoTags }) => repoTags).sort();

test("pull tells of its layers on standard error, and of the image on standard output", async () => {
  const { status, stdout, stderr } = await node.lichen("pull", `${name}:1`);
  assert.equal(status, 0, stderr);
  assert.match(stdout, new RegExp(`IMAGE +ID\n${name}:1 +${id.slice(7, 19)}\n`));
  assert.match(stderr, /^pulling .*busybox:1: \d layers?, [\d.]+ [kM]B to fetch\n[0-9a-f]{12}: /);
  const again = await node.lichen("image", "pull", `${name}:2`);
  assert.match(again.stderr, /all \d layers? were here already\n$/);
  assert.equal(await lichen("pull", "--quiet", `${name}:latest`), `${id}\n`);
});

test("a pull that fails says why, once", async () => {
  const { status, stdout, stderr } = await node.lichen("pull", `${name}:nothing`);
  assert.equal(status, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /^error: pull image .*busybox:nothing: .*404/);
});

test("a pull ends with the command that asked for it", async () => {
  registry.faults.push({ path: "/manifests/2", kind: "stall" });
  const child = spawn(join(dist, "lichen"), ["--runtime-dir", node.runtimeDir, "pull", `${name}:2`], {
    stdio: "ignore",
  });
  const asked = registry.count("/manifests/2");
  await eventually(() => assert.ok(registry.count("/manifests/2") > asked));
  child.kill("SIGINT");
  await once(child, "exit");
  await eventually(() => assert.match(node.log(), /"rpc":"Pull".*"code":"CANCELLED"/));
  registry.faults.length = 0;
});

test("the group and the short commands do the same", async () => {
  assert.equal(await lichen("image", "ls"), await lichen("images"));
  assert.equal(await lichen("image", "list", "--quiet"), `${id}\n`);
  assert.match(await lichen("images", "--digests"), /@sha256:[0-9a-f]{64} /);
  const [details] = JSON.parse(await lichen("image", "inspect", `${name}:1`));
  assert.equal(details.status.id, id);
  assert.equal(details.info.info.imageSpec.os, "linux");
  assert.equal((await node.lichen("image", "inspect", "nothing")).status, 1);
});

test("a tag goes alone as long as there are others, then the image with the last one", async () => {
  assert.equal((await tags()).length, 3);
  assert.equal(await lichen("rmi", `${name}:2`), `REMOVED\n${name}:2\n`);
  assert.deepEqual(await tags(), [`${name}:1`, `${name}:latest`]);
  await lichen("image", "rm", `${name}:1`);
  assert.match(await lichen("rmi", `${name}:latest`), new RegExp(`${id}\n$`));
  assert.deepEqual(await tags(), []);
});

test("an image that a container uses is removed only by force", async () => {
  await lichen("run", "-d", "--name", "user", `${name}:1`, "sleep", "1000");
  const refused = await node.lichen("rmi", `${name}:1`);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /containers use it: [0-9a-f]{12}\nhint: /);
  await lichen("rmi", "--force", `${name}:1`);
  assert.equal(await lichen("exec", "user", "echo", "still", "here"), "still here\n");
  await lichen("rm", "--force", "user");
});

test("prune says what it would remove, and removes it", async () => {
  await lichen("pull", `${name}:1`);
  const without = await node.lichen("image", "prune");
  assert.match(without.stderr, /freed 0 B/);
  const would = await node.lichen("image", "prune", "--all", "--dry-run");
  assert.match(would.stdout, new RegExp(`${name}:1`));
  assert.match(would.stderr, /would free [\d.]+ [kM]B\n/);
  assert.equal((await tags()).length, 1);
  assert.match((await node.lichen("image", "prune", "--all")).stderr, /^freed [\d.]+ [kM]B\n/);
  assert.deepEqual(await tags(), []);
});

test("an image goes through a file or a pipe and comes back with its names", async () => {
  await lichen("pull", `${name}:1`);
  const file = join(node.base, "image.tar");
  const saved = await node.lichen("save", "--output", file, `${name}:1`);
  assert.match(
    saved.stderr,
    /busybox:1: saved as [0-9a-f]{12} \(here it is [0-9a-f]{12}: its layers were archived/,
  );
  assert.deepEqual(
    readdirSync(node.base).filter((entry) => entry.includes("partial")),
    [],
  );
  await lichen("rmi", `${name}:1`);
  assert.match(await lichen("image", "load", "--input", file), new RegExp(`${name}:1 +[0-9a-f]{12}\n`));
  assert.equal(await lichen("run", "--rm", `${name}:1`, "echo", "loaded"), "loaded\n");

  const program = `"$0" --runtime-dir "$1" save "$2" | gzip -1 | "$0" --runtime-dir "$1" load -o json`;
  const { stdout, stderr } = await capture("sh", [
    "-c",
    program,
    join(dist, "lichen"),
    node.runtimeDir,
    `${name}:1`,
  ]);
  assert.match(stderr, /all \d layers? were here already/);
  assert.ok(JSON.parse(stdout)[0].names.includes(`${name}:1`));
  await lichen("rmi", `${name}:1`);
});

test("what cannot be loaded or saved is refused, and leaves no half file", async () => {
  const file = join(node.base, "nothing.tar");
  const unknown = await node.lichen("save", "-f", file, "no-such-image");
  assert.equal(unknown.status, 1);
  assert.match(unknown.stderr, /save image no-such-image: there is no such image/);
  assert.ok(!existsSync(file));
  const missing = await node.lichen("load", "-i", file);
  assert.match(missing.stderr, /^error: read archive .*nothing\.tar: no such file/);
  writeFileSync(file, "this is no archive");
  const wrong = await node.lichen("load", "-i", file);
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /^error: load images: read image archive: it is no tar archive/);
});
