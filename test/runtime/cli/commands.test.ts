import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { capture } from "../../support/capture.ts";
import { dist, type LichenNode, startNode } from "../../support/node.ts";
import { eventually, pullBusybox } from "../../support/pods.ts";

let node: LichenNode;
let image: string;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
});
after(() => node.stop());

/** Runs a command that must succeed and gives what it printed to stdout. */
async function lichen(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await node.lichen(...args);
  assert.equal(status, 0, `lichen ${args.join(" ")}: ${stderr}`);
  return stdout;
}

test("run in the foreground passes output and exit code on, and --rm leaves nothing", async () => {
  const script = "echo out; echo err >&2; exit 5";
  const result = await node.lichen("run", "--rm", image, "sh", "-c", script);
  assert.deepEqual(result, { status: 5, stdout: "out\n", stderr: "err\n" });
  assert.deepEqual(JSON.parse(await lichen("ps", "--all", "--output", "json")), []);
  assert.deepEqual(JSON.parse(await lichen("pods", "-o", "json")), []);
});

test("run passes on options of the command, variables and volumes", async () => {
  const folder = join(node.base, "volume");
  mkdirSync(folder);
  writeFileSync(join(folder, "file"), "from outside\n");
  const script = 'echo "$A $0 $1"; cat /mnt/file; touch /mnt/new 2>/dev/null || echo read-only';
  const options = ["-e", "A=b c", "-v", `${folder}:/mnt:ro`];
  const printed = await lichen("run", "--rm", ...options, image, "sh", "-c", script, "--rm", "-d");
  assert.equal(printed, "b c --rm -d\nfrom outside\nread-only\n");
});

test("a detached container is listed, read, entered, measured, stopped and removed by its name", async () => {
  const id = await lichen(
    "run",
    "-d",
    "--name",
    "web",
    image,
    "sh",
    "-c",
    "echo hi; trap 'exit 0' TERM; while :; do sleep 0.1; done",
  );
  assert.match(id, /^[0-9a-f]{64}\n$/);
  assert.match(await lichen("ps"), /web +running/);
  assert.equal(await lichen("ps", "--quiet"), id);
  assert.equal(JSON.parse(await lichen("ps", "-o", "json"))[0].state, "CONTAINER_RUNNING");
  assert.match(await lichen("pods"), /web +default +ready/);
  assert.match(await lichen("pods", "-q"), /^[0-9a-f]{64}\n$/);
  const twin = await node.lichen("run", "-d", "--name", "web", image, "true");
  assert.deepEqual([twin.status, twin.stdout], [125, ""]);
  assert.match(twin.stderr, /^error: run web: the name is taken by [0-9a-f]{12}\nhint: .*lichen rm web/);
  await eventually(async () => assert.equal(await lichen("logs", "web"), "hi\n"));
  assert.match(await lichen("logs", "--timestamps", "--tail", "1", "web"), /^\d{4}-\d\d-\d\dT\S+ hi\n$/);
  assert.equal(await lichen("exec", "web", "echo", "-n", "inside"), "inside");
  assert.equal((await node.lichen("exec", "web", "sh", "-c", "exit 9")).status, 9);
  assert.match(await lichen("stats", "web"), /web/);
  const { status } = JSON.parse(await lichen("inspect", "web"));
  assert.deepEqual([status.metadata.name, status.state], ["web", "CONTAINER_RUNNING"]);
  for (const [command, code] of [
    ["no-such-command", 127],
    ["/etc/passwd", 126],
  ] as const) {
    const { status, stderr } = await node.lichen("exec", "web", command);
    assert.equal(status, code, stderr);
    assert.match(stderr, new RegExp(`^error: run: execute in container ${id.trim()}: ${command}: `));
  }
  const refused = await node.lichen("rm", "web");
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /^error: remove web: it is running\nhint: .*lichen stop web/);
  assert.equal(await lichen("stop", "web"), "web\n");
  assert.match(await lichen("ps", "-a"), /web +exited/);
  const some = await node.lichen("rm", "nobody", "web", "no-one");
  assert.deepEqual([some.status, some.stdout], [1, "web\n"]);
  assert.match(some.stderr, /^error: find nobody: .*\nhint: .*\nerror: find no-one: .*\nhint: .*\n$/);
  assert.doesNotMatch(await lichen("ps", "-a"), /web/);
});

test("logs --follow ends with the container", async () => {
  await lichen(
    "run",
    "-d",
    "--name",
    "chatty",
    image,
    "sh",
    "-c",
    "for i in 1 2 3; do echo $i; sleep 0.1; done",
  );
  assert.equal(await lichen("logs", "--follow", "chatty"), "1\n2\n3\n");
  await lichen("rm", "--force", "chatty");
});

test("images are listed and removed; a mistyped one is an error", async () => {
  assert.match(await lichen("images"), /library\/busybox:latest +[0-9a-f]{12} +[\d.]+ [kM]B/);
  const wrong = await node.lichen("rmi", "no-such-image");
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /^error: remove image no-such-image: there is no such image\nhint: /);
});

test("a command that does not exist in the image is an error that names it, and leaves no pod", async () => {
  const { status, stderr } = await node.lichen("run", "--rm", image, "no-such-command");
  assert.equal(status, 127);
  assert.equal((await node.lichen("run", "--rm", image, "/etc/passwd")).status, 126);
  assert.match(stderr, /^error: .*no-such-command/);
  assert.deepEqual(JSON.parse(await lichen("pods", "-o", "json")), []);
});

test("wrong use is refused in one line with a hint, before anything is asked of the daemon", async () => {
  for (const [code, expected, ...args] of [
    [2, /value 'x' is invalid.*LOCAL:REMOTE/, "port-forward", "web", "x"],
    [125, /--rm does not go with --detach/, "run", "-d", "--rm", image, "true"],
    [125, /standard input is no terminal/, "run", "-it", image, "true"],
    [1, /a stream is not copied/, "cp", "web:/etc/hosts", "-"],
  ] as const) {
    const { status, stdout, stderr } = await node.lichen(...args);
    assert.deepEqual([status, stdout], [code, ""], stderr);
    assert.match(stderr, expected);
    assert.match(stderr, /^error: .*\nhint: .*\n$/);
  }
  assert.deepEqual(JSON.parse(await lichen("pods", "-o", "json")), []);
});

test("help of every command ends with the global options, once", async () => {
  const names = [...(await lichen("--help")).matchAll(/^ {2}([a-z-]+) \[options\]/gm)].map(
    ([, name]) => name ?? "",
  );
  assert.ok(names.length > 25, names.join());
  for (const name of names) {
    const text = await lichen(name, "--help");
    assert.equal(text.split("Global options:").length, 2, name);
    assert.match(text, /Global options:\n +--address <socket>/, name);
  }
});

test("enter runs a command in the namespaces and passes its exit status on", async () => {
  assert.equal((await lichen("enter", "--", "id", "-u")).trim(), "0");
  assert.equal((await node.lichen("enter", "--", "sh", "-c", "exit 3")).status, 3);
});

test("doctor finds a daemon in order; without one it says how to start it", async () => {
  const findings = JSON.parse(await lichen("doctor", "--output", "json", "--data-dir", node.dataDir));
  const held = /directories|cgroups$|processes|mounts|interfaces|descriptors/;
  const ready = findings.find(({ what }: { what: string }) => what === "RuntimeReady");
  assert.equal(ready?.ok, true);
  assert.deepEqual(
    findings.filter(({ what, ok }: { what: string; ok: boolean }) => held.test(what) && !ok),
    [],
  );
  assert.equal(findings.filter(({ what }: { what: string }) => held.test(what)).length, 7);
  const elsewhere = await capture(join(dist, "lichen"), [
    "--runtime-dir",
    join(node.base, "nobody"),
    "doctor",
  ]);
  assert.match(elsewhere.stdout, /no daemon listens there/);
});

test("doctor says what privileged containers lack, and prints the AppArmor profile for an administrator", async () => {
  const findings = JSON.parse(await lichen("doctor", "--output", "json"));
  const found = findings.find(({ what }: { what: string }) => what === "privileged containers");
  assert.equal(found?.ok, true);
  assert.match(found.detail, /^root of a user namespace, without device nodes \(mknod\), /);
  const profile = await lichen("doctor", "--apparmor-profile");
  assert.match(profile, /^profile lichen-default flags=/m);
});

test("without a daemon every command says how to start one", async () => {
  const { status, stderr } = await capture(join(dist, "lichen"), [
    "--runtime-dir",
    join(node.base, "nobody"),
    "ps",
  ]);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^error: connect .*nobody\/lichen.sock: no daemon listens there\nhint: start it with: lichen serve\n$/,
  );
});

test("wrong use is status 2, and help is quick", async () => {
  assert.equal((await node.lichen("pss")).status, 2);
  assert.equal((await node.lichen("ps", "--nonsense")).status, 2);
  const began = performance.now();
  assert.match(await lichen("--help"), /Usage: lichen/);
  // 0.15 s on an idle machine; the tests share theirs.
  assert.ok(performance.now() - began < 1000);
});

test("a wrong configuration is refused before anything is started", async () => {
  const file = join(node.base, "wrong.toml");
  writeFileSync(file, "[cgroups]\nmissing = 'maybe'\n");
  const { status, stderr } = await node.lichen("serve", "--config", file);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^error: read configuration .*wrong\.toml: cgroups\.missing = "maybe": must be one of "refuse", "warn"\n/,
  );
});
