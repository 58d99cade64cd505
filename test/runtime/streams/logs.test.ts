import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parseLogLine } from "../../../src/cli/log.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import {
  containerStatus,
  eventually,
  exited,
  logOf,
  pullBusybox,
  runContainer,
  runPod,
  type TestPod,
} from "../../support/pods.ts";

let node: LichenNode;
let image: string;
let pod: TestPod;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
  pod = await runPod(node, "logs");
});
after(() => node.stop());

/** A thousand numbers at a time, each a line, from 0 on; so many thousands, or until the container is stopped. */
const counting = (thousands = 2 ** 30) =>
  `i=0; while [ $i -lt ${thousands} ]; do seq $((i * 1000)) $((i * 1000 + 999)); i=$((i + 1)); usleep 500; done`;

/** Whether the entries of a log file are whole and their lines number on from `next`. Answers the number after the last one. */
function numbersOn(path: string, next: number): number {
  const entries = readFileSync(path, "latin1").split("\n");
  assert.equal(entries.pop(), "", `${path} ends in the middle of an entry`);
  let expected = next;
  for (const entry of entries) {
    // As parseLogLine reads it, but a hundred times as fast.
    const text = entry.slice(entry.indexOf(" stdout F ") + 10);
    if (text !== String(expected)) assert.fail(`${path}: ${JSON.stringify(entry)} where ${expected} is due`);
    expected++;
  }
  return expected;
}

async function stop(containerId: string): Promise<void> {
  await node.client.stopContainer({ containerId, timeout: 0 });
  await exited(node, containerId);
}

test("a thousand rotations under load lose no line and double none", { timeout: 60_000 }, async () => {
  const id = await runContainer(node, pod, image, "rotated", counting());
  const { logPath } = await containerStatus(node, id);
  await eventually(() => assert.ok(statSync(logPath).size > 0));
  let next = 0;
  for (let rotation = 0; rotation < 1000; rotation++) {
    // As a kubelet does it. What is written meanwhile goes to the renamed file.
    renameSync(logPath, `${logPath}.rotated`);
    if (rotation % 10 === 0) await sleep(2);
    await node.client.reopenContainerLog({ containerId: id });
    next = numbersOn(`${logPath}.rotated`, next);
  }
  await stop(id);
  assert.ok(numbersOn(logPath, next) > 10_000, "too little was written to call it a load");
  rmSync(logPath);
});

test("a daemon that is killed five times costs no line and tears none", { timeout: 60_000 }, async () => {
  const id = await runContainer(node, pod, image, "survivor", counting());
  const { logPath } = await containerStatus(node, id);
  for (let kills = 0; kills < 5; kills++) {
    process.kill(node.daemonPid(), "SIGKILL");
    await sleep(200);
    await node.ready();
  }
  await stop(id);
  const lines = numbersOn(logPath, 0);
  assert.ok(lines > 100_000, `only ${lines} lines`);
  rmSync(logPath);
});

test("a container that ends while there is no daemon has its whole log, its exit code and its time", async () => {
  const id = await runContainer(node, pod, image, "meanwhile", `${counting(50)}; exit 42`);
  const { logPath } = await containerStatus(node, id);
  process.kill(node.daemonPid(), "SIGSTOP");
  await eventually(() => assert.match(readFileSync(logPath, "latin1"), /F 49999\n$/));
  const ended = BigInt(Date.now()) * 1_000_000n;
  await sleep(300);
  process.kill(node.daemonPid(), "SIGKILL");
  await sleep(200);
  await node.ready();
  const { exitCode, finishedAt } = await exited(node, id);
  assert.equal(exitCode, 42);
  assert.ok(BigInt(finishedAt) < ended + 250_000_000n, "the time is that of the new daemon");
  assert.equal(numbersOn(logPath, 0), 50_000);
});

test("long lines are cut at 16 KiB, and both streams keep their order", async () => {
  const script =
    "head -c 40000 /dev/zero | tr '\\0' x; echo; echo first; sleep 0.1; echo second >&2; sleep 0.1; printf end";
  const id = await runContainer(node, pod, image, "long", script);
  await exited(node, id);
  const { logPath } = await containerStatus(node, id);
  const entries = readFileSync(logPath, "utf8").trimEnd().split("\n").map(parseLogLine);
  assert.deepEqual(
    entries.map((entry) => [entry?.stream, entry?.complete, entry?.text.length]),
    [
      ["stdout", false, 16_384],
      ["stdout", false, 16_384],
      ["stdout", true, 7_232],
      ["stdout", true, 5],
      ["stderr", true, 6],
      ["stdout", false, 3],
    ],
  );
  const times = entries.map((entry) => entry?.time ?? "");
  assert.ok(
    times.every((time) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/.test(time)),
    times[0],
  );
  assert.deepEqual(times, [...times].sort());
});

/** A tmpfs in the daemon's mount namespace, as a full disk; `outside` is the same folder for us. */
async function smallDisk(size: string): Promise<{ folder: string; outside: string }> {
  const folder = join(node.base, "small");
  mkdirSync(folder, { recursive: true });
  const mounted = await node.lichen(
    "enter",
    "--",
    "mount",
    "-t",
    "tmpfs",
    "-o",
    `size=${size}`,
    "none",
    folder,
  );
  assert.equal(mounted.status, 0, mounted.stderr);
  return { folder, outside: `/proc/${node.daemonPid()}/root${folder}` };
}

test("a full disk: the container goes on, what is lost is counted, marked and told", async () => {
  const { folder, outside } = await smallDisk("256k");
  const full = await runPod(node, "full", { logDirectory: folder });
  const script = `${counting(20)}; touch /done; while [ ! -e /go ]; do sleep 0.05; done; seq 20000 20009; exec sleep 1000`;
  const id = await runContainer(node, full, image, "main", script);
  const run = (...cmd: string[]) => node.client.execSync({ containerId: id, cmd, timeout: 10 });
  await eventually(async () => assert.equal((await run("test", "-e", "/done")).exitCode, 0));
  const lost = async () => {
    const { podMetrics } = await node.client.listPodSandboxMetrics({});
    return podMetrics
      .flatMap(({ containerMetrics }) => containerMetrics)
      .filter(({ containerId }) => containerId === id)
      .flatMap(({ metrics }) => metrics)
      .find(({ name }) => name === "container_log_lost_entries_total")?.value?.value;
  };
  await eventually(async () => assert.ok(Number(await lost()) > 10_000));

  // The kubelet makes room: it rotates, and removes what was rotated.
  renameSync(join(outside, "main.log"), join(outside, "main.log.1"));
  await node.client.reopenContainerLog({ containerId: id });
  const before = readFileSync(join(outside, "main.log.1"), "latin1");
  rmSync(join(outside, "main.log.1"));
  await run("touch", "/go");
  const log = await eventually(() => {
    const text = readFileSync(join(outside, "main.log"), "latin1");
    assert.match(text, / F 20009\n$/);
    return text;
  });
  const [marker = "", ...rest] = log.trimEnd().split("\n");
  const [, missing] =
    / stderr F lichen: (\d+) log entries are missing here: No space left on device/.exec(marker) ?? [];
  assert.equal(rest.length, 10);
  const written = before.split("\n").filter((entry) => / F \d+$/.test(entry)).length;
  assert.equal(written + Number(missing), 20_000);
  await eventually(async () => assert.equal(Number(await lost()), Number(missing)));
  // The number outlives a daemon.
  process.kill(node.daemonPid(), "SIGKILL");
  await sleep(200);
  await node.ready();
  assert.equal(Number(await lost()), Number(missing));
  await stop(id);
});

test("with a greatest size logs are rotated without a kubelet; lichen logs reads all files and follows them", async () => {
  const own = await startNode({ config: '[logs]\nmax_size = "100KiB"\nmax_files = 4\n' });
  try {
    const ownImage = await pullBusybox(own);
    const ownPod = await runPod(own, "capped");
    const paced = counting(10).replace("usleep 500", "usleep 100000");
    const id = await runContainer(own, ownPod, ownImage, "main", `${paced}; read forever < /dev/zero`);
    const following = own.lichen("logs", "-f", "main");
    const { logPath } = await containerStatus(own, id);
    await eventually(() => assert.match(logOf(logPath), /^9999$/m));
    await own.client.stopContainer({ containerId: id, timeout: 0 });
    const { stdout, stderr } = await following;
    const all = Array.from({ length: 10_000 }, (_, number) => String(number));
    assert.deepEqual([stdout.trimEnd().split("\n"), stderr], [all, ""]);

    const folder = join(own.base, "logs/capped");
    assert.deepEqual(readdirSync(folder).sort(), ["main.log", "main.log.1", "main.log.2", "main.log.3"]);
    for (const name of readdirSync(folder)) assert.ok(statSync(join(folder, name)).size <= 100 * 1024, name);
    const kept = (await own.lichen("logs", "main")).stdout.trimEnd().split("\n");
    assert.deepEqual(kept, all.slice(-kept.length));
    assert.ok(kept.length > 5_000, `only ${kept.length} lines`);
    assert.equal((await own.lichen("logs", "--tail", "2", "main")).stdout, "9998\n9999\n");
  } finally {
    await own.stop();
  }
});
