// What the user's systemd gives lichen, however it was started: a session's shell, a scope, a service.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { type CriClient, connectCri } from "../../proto/client.ts";
import { dist, startNode } from "../support/node.ts";
import { slowness } from "../support/patience.ts";
import { eventually, pullBusybox, runContainer, runPod } from "../support/pods.ts";
import { administrator, cgroupOf, delegation, pidOf, restartUserManager, shell } from "./support.ts";

const every = ["cpu", "cpuset", "io", "memory", "pids"];
const launcher = join(dist, "bin/lichen-launcher");
const lichen = join(dist, "lichen");

interface Trial {
  id: string;
  ok: boolean;
  detail: string;
  hint: string;
}

async function check(id: string, prefix = ""): Promise<Trial> {
  const trials = JSON.parse(await shell(`${prefix} ${launcher} check`)) as Trial[];
  const trial = trials.find((trial) => trial.id === id);
  assert.ok(trial, id);
  return trial;
}

test("started from a login shell, the node has a scope with every controller, which goes with it", async () => {
  assert.match(cgroupOf(process.pid), /session-.*\.scope$/);
  const node = await startNode();
  const { hostPath, controllers, delegated } = delegation(node);
  assert.equal(delegated, true);
  assert.match(hostPath, /\/user@\d+\.service\/.*\.scope\/lichen-[0-9a-f]{8}$/);
  assert.deepEqual([...controllers].sort(), every);
  assert.ok(cgroupOf(node.launcherPid).endsWith(`${hostPath}/node`));
  await node.stop();
  await eventually(() => assert.ok(!existsSync(join("/sys/fs/cgroup", hostPath, ".."))));
});

test("in a leaf of a delegated service the node is in the unit's own cgroup", async () => {
  const place = await shell(
    `systemd-run --user --quiet --wait --pipe -p Delegate=yes -p DelegateSubgroup=launcher ${launcher} check`,
  );
  const trial = (JSON.parse(place) as Trial[]).find(({ id }) => id === "cgroup");
  assert.match(trial?.detail ?? "", /\/run-.*\.service$/);
});

test("in a service without such a leaf the node would have a scope of its own", async () => {
  const place = await check("cgroup", "systemd-run --user --quiet --wait --pipe");
  assert.match(place.detail, /scope/);
});

test("doctor names what is not delegated, and its command mends that", async () => {
  const dropIn = "/etc/systemd/system/user@.service.d/lichen.conf";
  const whole = await check("cgroup-controllers");
  assert.deepEqual([whole.ok, whole.detail], [true, "cpu cpuset memory pids"]);
  try {
    await administrator(`rm ${dropIn} && systemctl daemon-reload`);
    await restartUserManager();
    const less = await check("cgroup-controllers");
    assert.equal(less.ok, false);
    assert.match(less.detail, /limits by cpuset cannot be enforced/);
    assert.match(less.hint, /^sudo /);
    await shell(less.hint);
    await restartUserManager();
    assert.deepEqual(await check("cgroup-controllers"), whole);
  } finally {
    await administrator(
      `mkdir -p $(dirname ${dropIn}) && printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' >${dropIn} && systemctl daemon-reload`,
    );
    await restartUserManager();
  }
});

/** A node that runs as the systemd unit which `lichen unit` prints. */
async function asService(name: string, change: (unit: string) => string) {
  const units = join(homedir(), ".config/systemd/user");
  const base = join(homedir(), name);
  const runtimeDir = join(process.env.XDG_RUNTIME_DIR ?? "", name);
  const at = `--runtime-dir ${runtimeDir}`;
  mkdirSync(units, { recursive: true });
  mkdirSync(base, { recursive: true });
  const text = await shell(`${lichen} ${at} unit --data-dir ${join(base, "data")}`);
  writeFileSync(join(units, `${name}.service`), change(text));
  const systemctl = (verb: string) => shell(`systemctl --user ${verb} ${name}.service`);
  await shell("systemctl --user daemon-reload");
  await systemctl("start");
  const client = connectCri(join(runtimeDir, "lichen.sock"));
  return { name, base, runtimeDir, client, systemctl };
}

const answers = (client: CriClient) =>
  eventually(() => client.version({}, { timeoutMs: 1000 * slowness }), 15_000 * slowness);

for (const [kind, change] of [
  ["delegated", (unit: string) => unit],
  ["moved to a scope", (unit: string) => unit.replace(/^Delegate.*\n/gm, "")],
] as const) {
  test(`as a service (${kind}): containers outlive a restart of the unit, with their limits`, async (t) => {
    const service = await asService(`lichen-${kind.replaceAll(" ", "-")}`, change);
    const { client, systemctl, runtimeDir } = service;
    const mainPid = async () =>
      Number(await shell(`systemctl --user show -P MainPID ${service.name}.service`));
    t.after(async () => {
      for (const { id } of (await client.listPodSandbox({})).items) {
        await client.stopPodSandbox({ podSandboxId: id });
        await client.removePodSandbox({ podSandboxId: id });
      }
      client.close();
      await systemctl("stop");
    });
    await answers(client);
    const node = { client, runtimeDir, base: service.base } as never;
    assert.deepEqual([...delegation(node).controllers].sort(), every);
    const image = await pullBusybox(node);
    const pod = await runPod(node, "lasting");
    const resources = { memoryLimitInBytes: 32 * 1024 * 1024 };
    const id = await runContainer(node, pod, image, "main", "exec sleep 100000", { linux: { resources } });
    const [pid, first] = [await pidOf(node, id), await mainPid()];
    const before = cgroupOf(pid);
    await systemctl("restart");
    await answers(client);
    assert.notEqual(await mainPid(), first);
    assert.equal(await pidOf(node, id), pid);
    assert.equal(cgroupOf(pid), before);
    assert.equal(readFileSync(join(before, "memory.max"), "utf8").trim(), String(32 * 1024 * 1024));
    // And once more from a stop, with a container made afterwards beside the old one.
    await systemctl("stop");
    assert.equal(cgroupOf(pid), before);
    await systemctl("start");
    await answers(client);
    const later = await runContainer(node, pod, image, "later", "exec sleep 1000", { linux: { resources } });
    assert.equal(basename(join(cgroupOf(await pidOf(node, later)), "..")), basename(join(before, "..")));
    assert.equal(await shell(`systemctl --user is-active ${service.name}.service`), "active\n");
  });
}
