// What a container does with swap and disk, on a machine that has both: limits bind, and statistics tell.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { LinuxContainerResources, Outgoing } from "#cri";
import { type LichenNode, startNode } from "../support/node.ts";
import {
  containerStatus,
  eventually,
  exited,
  logOf,
  pullBusybox,
  runContainer,
  runPod,
  type TestPod,
} from "../support/pods.ts";
import { administrator, cgroupOf, pidOf, shell } from "./support.ts";

const mebibyte = 1024 * 1024;
const swapFile = "/swapfile";

let node: LichenNode;
let image: string;
let pod: TestPod;

before(async () => {
  const make = `dd if=/dev/zero of=${swapFile} bs=1M count=96 status=none && chmod 600 ${swapFile}`;
  await administrator(`${make} && mkswap -q ${swapFile} && swapon ${swapFile}`);
  node = await startNode();
  image = await pullBusybox(node);
  pod = await runPod(node, "devices");
});
after(async () => {
  await node?.stop();
  await administrator(`swapoff ${swapFile}; rm -f ${swapFile}`);
});

const start = (
  name: string,
  resources: Outgoing<LinuxContainerResources>,
  script: string,
  mounts: { hostPath: string; containerPath: string }[] = [],
) => runContainer(node, pod, image, name, script, { linux: { resources }, mounts });

const logged = (name: string) => logOf(join(pod.config.logDirectory ?? "", `${name}.log`));

/**
 * Holds so many MiB of memory: tail keeps the end of what it is given, until its input ends. Not of zeroes: the kernel takes pages of
 * huge ones that hold nothing else away instead of swapping them (Linux 6.12).
 */
const holding = (count: number) =>
  `(yes $(printf %01000d 7) | dd bs=64k count=${count * 16} iflag=fullblock 2>/dev/null; exec sleep 100000) | tail -c ${count * mebibyte}`;

test("beyond its memory a container swaps, as far as it may, and the statistics tell", async () => {
  const resources = { memoryLimitInBytes: 24 * mebibyte, memorySwapLimitInBytes: 72 * mebibyte };
  const id = await start("swapping", resources, holding(40));
  const directory = cgroupOf(await pidOf(node, id));
  const file = (name: string) => Number(readFileSync(join(directory, name), "utf8"));
  assert.equal(file("memory.swap.max"), 48 * mebibyte);
  await eventually(() => assert.ok(file("memory.swap.current") > 12 * mebibyte));
  assert.ok(file("memory.current") <= 24 * mebibyte);
  await eventually(async () => {
    const { stats } = await node.client.containerStats({ containerId: id });
    const used = Number(stats?.swap?.swapUsageBytes?.value);
    assert.ok(used > 8 * mebibyte && used <= 48 * mebibyte, `${used}`);
    const left = Number(stats?.swap?.swapAvailableBytes?.value);
    assert.ok(Math.abs(left + used - 48 * mebibyte) < 8 * mebibyte, `${left} left of 48 MiB`);
  });
  assert.equal((await containerStatus(node, id)).reason, "", "nothing was killed");
  await node.client.stopContainer({ containerId: id, timeout: 0 });
});

test("more than memory and swap together is OOMKilled; without swap the memory alone counts", async () => {
  for (const [name, swap] of [
    ["both", 32],
    ["none", 24],
  ] as const) {
    const resources = { memoryLimitInBytes: 24 * mebibyte, memorySwapLimitInBytes: swap * mebibyte };
    const id = await start(name, resources, "exec tail /dev/zero");
    const { exitCode, reason } = await exited(node, id);
    assert.deepEqual([exitCode, reason], [137, "OOMKilled"], name);
  }
});

test("io.max holds a container's writes back, as io.stat and the statistics show", async (t) => {
  // /tmp may be in memory; the home directory is on the disk.
  const volume = mkdtempSync(join(homedir(), "io-"));
  t.after(() => rmSync(volume, { recursive: true }));
  const partition = (await shell("findmnt -no MAJ:MIN -T ~")).trim();
  const device = (await shell(`cat /sys/dev/block/${partition}/../dev`)).trim();
  const mounts = [{ hostPath: volume, containerPath: "/volume" }];
  const script = (name: string) =>
    `read a b </proc/uptime; dd if=/dev/zero of=/volume/${name} bs=256k count=12 conv=fsync 2>/dev/null; read c d </proc/uptime; echo "$a $c"; exec sleep 100000`;
  const seconds = async (name: string, unified: Record<string, string>) => {
    const id = await start(name, { unified }, script(name), mounts);
    await eventually(() => assert.match(logged(name), /\n/));
    const [from = 0, to = 0] = logged(name).split(" ").map(Number);
    return { id, took: to - from };
  };
  const free = await seconds("free", {});
  const held = await seconds("held", { "io.max": `${device} wbps=524288` });
  // Three MiB at half a MiB a second.
  assert.ok(held.took >= 4, `${held.took} s`);
  assert.ok(held.took > 2 * free.took, `${held.took} s, without a limit ${free.took} s`);
  const directory = cgroupOf(await pidOf(node, held.id));
  const stat = readFileSync(join(directory, "io.stat"), "utf8");
  const written = Number(new RegExp(`^${device} .*wbytes=(\\d+)`, "m").exec(stat)?.[1]);
  assert.ok(written >= 3 * mebibyte, stat);
  const { stats } = await node.client.containerStats({ containerId: held.id });
  assert.ok(stats?.io, "the statistics have the pressure");
  // The limit of a running container changes, and goes.
  await node.client.updateContainerResources({
    containerId: held.id,
    linux: { unified: { "io.max": `${device} wbps=max` } },
  });
  assert.equal(readFileSync(join(directory, "io.max"), "utf8").trim(), "");
  for (const { id } of [free, held]) await node.client.stopContainer({ containerId: id, timeout: 0 });
});
