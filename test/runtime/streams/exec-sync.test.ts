import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { expectNoMore, settled } from "../../support/leaks.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { eventually, pullBusybox, runContainer, runPod } from "../../support/pods.ts";

let node: LichenNode;
let container: string;
before(async () => {
  node = await startNode();
  const image = await pullBusybox(node);
  container = await runContainer(node, await runPod(node, "sync"), image, "main", "exec sleep 100000");
});
after(() => node.stop());

async function run(script: string, timeout = 20) {
  const cmd = ["sh", "-c", script];
  const { stdout, stderr, exitCode } = await node.client.execSync({ containerId: container, cmd, timeout });
  return { stdout: Buffer.from(stdout), stderr: Buffer.from(stderr).toString(), exitCode };
}

/** Seconds until the promise has settled. */
async function lasting(promise: Promise<unknown>): Promise<number> {
  const began = performance.now();
  await promise.catch(() => {});
  return (performance.now() - began) / 1000;
}

test("at the time-out no process is left, also none that has left group and parent, and the call has ended", async () => {
  const before = await settled(node);
  const script =
    "sleep 4001 & sleep 4002 | sleep 4003 & setsid sleep 4005 & (setsid sleep 4006 &); trap '' TERM HUP; sleep 4004";
  const { stdout: other } = await run("setsid sleep 5001 >/dev/null 2>&1 & echo $!");
  const running = run(script, 1);
  await assert.rejects(running, { code: 4, details: /took longer than 1 s and was killed/ });
  const { stdout } = await run("ps -o args");
  assert.doesNotMatch(String(stdout), /sleep 400\d/);
  assert.match(String(stdout), /sleep 5001/, "another exec's is");
  await run(`kill ${other}`);
  await eventually(() => expectNoMore(node, before));
});

test("a child that has left the group and holds the output open delays neither time-out nor answer", async () => {
  assert.ok((await lasting(run("setsid sleep 30 & sleep 40", 1))) < 5);
  const began = performance.now();
  const { stdout, exitCode } = await run("setsid sleep 30 & echo here; exit 3");
  assert.deepEqual([String(stdout), exitCode], ["here\n", 3]);
  assert.ok(performance.now() - began < 10_000);
});

test("an output of 15 MiB arrives whole, and one of 40 MiB is cut, which is said", async () => {
  const whole = await run("head -c 15000000 /dev/zero; echo fine >&2");
  assert.deepEqual([whole.stdout.length, whole.stderr], [15_000_000, "fine\n"]);
  const cut = await run("echo first >&2; sleep 0.2; head -c 40000000 /dev/zero; exit 6");
  assert.equal(cut.exitCode, 6);
  const [, kept] =
    /^first\n\n\[lichen: (\d+) of 40000006 bytes of output are here; ExecSync answers/.exec(cut.stderr) ?? [];
  assert.equal(Number(kept), cut.stdout.length + "first\n".length);
  assert.ok(cut.stdout.length > 16_000_000 && cut.stdout.length < 16 << 20, `${cut.stdout.length} bytes`);
});

test("fifty at once answer their own output and exit code", async () => {
  const all = Array.from({ length: 50 }, (_, index) => run(`echo ${index}; exit ${index}`));
  for (const [index, { stdout, exitCode }] of (await Promise.all(all)).entries())
    assert.deepEqual([String(stdout), exitCode], [`${index}\n`, index]);
});
