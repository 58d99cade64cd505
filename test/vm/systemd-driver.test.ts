// Pods whose parent is a slice: the user's systemd makes their cgroups, and the slice's limits hold for them.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import {
  CgroupDriver,
  NamespaceMode,
  type NamespaceOption,
  type Outgoing,
  type PodSandboxConfig,
  PodSandboxState,
} from "#cri";
import { dist, type LichenNode, startNode } from "../support/node.ts";
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
import { cgroupOf, delegation, pidOf, shell } from "./support.ts";

const mebibyte = 1024 * 1024;
const config = '[cgroups]\ndriver = "systemd"\n';

let node: LichenNode;
let image: string;

before(async () => {
  node = await startNode({ config });
  image = await pullBusybox(node);
});
after(() => node?.stop());

const systemctl = (line: string) => shell(`systemctl --user ${line}`).then((text) => text.trim());
const property = (unit: string, name: string) => systemctl(`show -P ${name} ${unit}`);
const scopeOf = (pod: TestPod) => `lichen-${pod.id}.scope`;
const inSlice = (slice: string, more: Outgoing<PodSandboxConfig>["linux"] = {}) => ({
  linux: { cgroupParent: slice, ...more },
});
const logOfContainer = (pod: TestPod, name: string, stream: "stdout" | "stderr" = "stdout") =>
  logOf(join(pod.config.logDirectory ?? "", `${name}.log`), stream);

async function remove(pod: TestPod): Promise<void> {
  await node.client.stopPodSandbox({ podSandboxId: pod.id });
  await node.client.removePodSandbox({ podSandboxId: pod.id });
}

/** No unit and no cgroup of the pod is left. */
async function assertGone(pod: TestPod, cgroup: string): Promise<void> {
  assert.equal(await property(scopeOf(pod), "LoadState"), "not-found");
  assert.ok(!existsSync(cgroup), cgroup);
}

/** A slice as a kubelet or an administrator makes it; stopped again at the end of the test. */
async function slice(t: { after(work: () => Promise<unknown>): void }, name: string, ...limits: string[]) {
  await systemctl(`start ${name}`);
  if (limits.length > 0) await systemctl(`set-property --runtime ${name} ${limits.join(" ")}`);
  t.after(() => systemctl(`stop ${name}`));
  return { name, directory: join("/sys/fs/cgroup", await property(name, "ControlGroup")) };
}

test("the driver is told, and is systemd's in truth", async () => {
  assert.equal((await node.client.runtimeConfig({})).linux?.cgroupDriver, CgroupDriver.SYSTEMD);
  const { status } = await node.client.status({});
  assert.ok(!status?.conditions?.some(({ type }) => type === "SystemdSlices"));
  const doctor = await node.lichen("--output", "json", "doctor");
  const found = (JSON.parse(doctor.stdout) as { what: string; ok: boolean; detail: string }[]).find(
    ({ what }) => what === "systemd-slices",
  );
  assert.equal(found?.ok, true);
  assert.match(found.detail, /\/user@\d+\.service$/);
});

test("a pod in a slice is a scope of systemd's there, its containers below it; nothing is left of it", async (t) => {
  const parent = await slice(t, "lichen-test-pod1.slice");
  assert.ok(parent.directory.endsWith("/lichen.slice/lichen-test.slice/lichen-test-pod1.slice"));
  const pod = await runPod(node, "placed", inSlice(parent.name));
  const id = await runContainer(node, pod, image, "main", "exec sleep 100000");
  const scope = join("/sys/fs/cgroup", await property(scopeOf(pod), "ControlGroup"));
  assert.equal(dirname(scope), parent.directory);
  assert.equal(await property(scopeOf(pod), "Slice"), parent.name);
  assert.equal(await property(scopeOf(pod), "Delegate"), "yes");
  assert.equal(await property(scopeOf(pod), "ActiveState"), "active");
  assert.equal(await property(scopeOf(pod), "TasksMax"), "infinity");
  assert.equal(cgroupOf(await pidOf(node, id)), join(scope, id));
  const { info } = await node.client.podSandboxStatus({ podSandboxId: pod.id, verbose: true });
  const { pid: monitor } = JSON.parse(info.info ?? "{}") as { pid: number };
  assert.equal(cgroupOf(monitor), join(scope, pod.id));

  const run = async (...cmd: string[]) => {
    const { stdout } = await node.client.execSync({ containerId: id, cmd, timeout: 60 });
    return Buffer.from(stdout).toString().trim();
  };
  assert.equal(await run("cat", "/proc/self/cgroup"), "0::/", "an exec is in the container's cgroup");
  assert.match(await systemctl(`status ${scopeOf(pod)}`), /sleep 100000/);
  await remove(pod);
  await assertGone(pod, scope);
});

test("pods of every kind: own user namespace, own PID namespaces, on the node's network, at the root of slices", async () => {
  const ids = [{ hostId: 131_072, containerId: 0, length: 65_536 }];
  const kinds: Record<string, Outgoing<NamespaceOption>> = {
    userns: { usernsOptions: { mode: NamespaceMode.POD, uids: ids, gids: ids } },
    own: { pid: NamespaceMode.CONTAINER },
    network: { network: NamespaceMode.NODE },
    root: {},
  };
  for (const [name, namespaceOptions] of Object.entries(kinds)) {
    const parent = name === "root" ? "-.slice" : "lichen-test.slice";
    const linux = inSlice(parent, { securityContext: { namespaceOptions } });
    const pod = await runPod(node, `kind-${name}`, linux);
    const id = await runContainer(node, pod, image, "main", "cat /proc/self/cgroup; exec sleep 1000");
    const scope = join("/sys/fs/cgroup", await property(scopeOf(pod), "ControlGroup"));
    assert.equal(cgroupOf(await pidOf(node, id)), join(scope, id), name);
    assert.equal(await property(scopeOf(pod), "Slice"), parent);
    const { exitCode } = await node.client.execSync({ containerId: id, cmd: ["true"], timeout: 60 });
    assert.equal(exitCode, 0, name);
    await eventually(() => assert.equal(logOfContainer(pod, "main"), "0::/\n"));
    await remove(pod);
    await assertGone(pod, scope);
  }
  await systemctl("stop lichen-test.slice lichen.slice");
});

test("the slice's memory limit binds what is in the pod, and the OOM killer's work is seen", async (t) => {
  const parent = await slice(t, "lichen-test-pod2.slice", "MemoryMax=32M", "MemorySwapMax=0");
  const pod = await runPod(node, "bound", inSlice(parent.name));
  // tail keeps a line until its end, which does not come.
  const id = await runContainer(node, pod, image, "hungry", "exec tail /dev/zero");
  const status = await exited(node, id);
  assert.deepEqual([status.exitCode, status.reason], [137, "OOMKilled"]);
  const own = await runContainer(node, pod, image, "own", "exec tail /dev/zero", {
    linux: { resources: { memoryLimitInBytes: 16 * mebibyte, memorySwapLimitInBytes: 16 * mebibyte } },
  });
  assert.equal((await exited(node, own)).reason, "OOMKilled", "a limit of its own");
  assert.match(readFileSync(join(parent.directory, "memory.events"), "utf8"), /^oom_kill 2$/m);
  const again = await runContainer(node, pod, image, "modest", "echo alive");
  assert.equal((await exited(node, again)).exitCode, 0);
  await remove(pod);
});

test("the slice's limit of tasks binds: fork fails", async (t) => {
  const parent = await slice(t, "lichen-test-pod3.slice", "TasksMax=8");
  const pod = await runPod(node, "tasks", inSlice(parent.name));
  const script = "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1000 & done; wait";
  await runContainer(node, pod, image, "forks", script);
  await eventually(() => assert.match(logOfContainer(pod, "forks", "stderr"), /can't fork/));
  await remove(pod);
});

test("limits of container and slice outlive systemd's daemon-reload and daemon-reexec; updates and statistics work", async (t) => {
  const parent = await slice(t, "lichen-test-pod4.slice", "MemoryMax=96M");
  const pod = await runPod(node, "limits", inSlice(parent.name));
  const resources = {
    memoryLimitInBytes: 64 * mebibyte,
    cpuPeriod: 50_000,
    cpuQuota: 25_000,
    unified: { "pids.max": "40", "io.weight": "default 50" },
  };
  const script = "dd if=/dev/zero of=/tmp/file bs=1M count=8 2>/dev/null; echo written; exec sleep 1000";
  const id = await runContainer(node, pod, image, "main", script, { linux: { resources } });
  await eventually(() => assert.equal(logOfContainer(pod, "main"), "written\n"));
  const directory = cgroupOf(await pidOf(node, id));
  const file = (name: string) => readFileSync(join(directory, name), "utf8").trim();
  const limits = () =>
    Object.fromEntries(["memory.max", "cpu.max", "pids.max", "io.weight"].map((name) => [name, file(name)]));
  const wanted = {
    "memory.max": String(64 * mebibyte),
    "cpu.max": "25000 50000",
    "pids.max": "40",
    "io.weight": "default 50",
  };
  assert.deepEqual(limits(), wanted);
  const hold = async () => {
    assert.deepEqual(limits(), wanted);
    const max = readFileSync(join(parent.directory, "memory.max"), "utf8").trim();
    assert.equal(max, String(96 * mebibyte));
    assert.equal(cgroupOf(await pidOf(node, id)), directory);
  };
  await systemctl("daemon-reload");
  await hold();
  const change = { memoryLimitInBytes: 48 * mebibyte, cpuQuota: 20_000 };
  await node.client.updateContainerResources({ containerId: id, linux: change });
  Object.assign(wanted, { "memory.max": String(48 * mebibyte), "cpu.max": "20000 50000" });
  await systemctl("daemon-reexec");
  await systemctl("daemon-reload");
  await hold();
  // More of the pod's own is noted: the slice is its owner's.
  await node.client.updatePodSandboxResources({
    podSandboxId: pod.id,
    resources: { memoryLimitInBytes: 90 * mebibyte },
  });
  await hold();

  const { stats } = await node.client.containerStats({ containerId: id });
  const current = Number(file("memory.current"));
  const used = Number(stats?.memory?.usageBytes?.value);
  assert.ok(used > current / 2 && used < current * 2, `${used} of ${current}`);
  assert.ok(Number(stats?.cpu?.usageCoreNanoSeconds?.value) > 0);
  const whole = (await node.client.podSandboxStats({ podSandboxId: pod.id })).stats?.linux;
  assert.ok(Number(whole?.memory?.usageBytes?.value) >= used / 2);
  assert.equal(Number(whole?.process?.processCount?.value), 3, "monitor, PID 1, container");
  await remove(pod);
});

/** A slice as a kubelet's libcontainer makes and changes it: a transient unit over D-Bus, with the values of its properties. */
async function kubeletSlice(name: string, properties: string[], change = false): Promise<void> {
  const manager = "org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager";
  const call = (method: string) => shell(`busctl --user call -- ${manager} ${method}`);
  const count = properties.length;
  if (change) await call(`SetUnitProperties 'sba(sv)' ${name} true ${count} ${properties.join(" ")}`);
  else await call(`StartTransientUnit 'ssa(sv)a(sa(sv))' ${name} replace ${count} ${properties.join(" ")} 0`);
  await eventually(async () => assert.equal(await property(name, "ActiveState"), "active"));
}

test("what a kubelet with this driver does: slices by D-Bus, the pod by systemd's path of them, a resize, the pod's end", async (t) => {
  const uid = "0123_4567";
  const slices = ["kubepods.slice", "kubepods-burstable.slice", `kubepods-burstable-pod${uid}.slice`];
  const accounting = ["CPU", "IO", "Memory", "Tasks"].map((name) => `${name}Accounting b true`);
  const own = ["MemoryMax t 67108864", "CPUWeight t 39", "CPUQuotaPerSecUSec t 500000", "TasksMax t 100"];
  for (const [index, name] of slices.entries())
    await kubeletSlice(name, [
      `Description s "libcontainer container ${name}"`,
      `Wants as 1 ${slices[index - 1] ?? "-.slice"}`,
      ...accounting,
      "DefaultDependencies b false",
      ...(name === slices[2] ? own : []),
    ]);
  t.after(() => systemctl(`stop ${slices.toReversed().join(" ")}`));

  const cgroupParent = `/${slices.join("/")}`;
  const pod = await runPod(node, "of-kubelet", { linux: { cgroupParent } });
  const resources = {
    memoryLimitInBytes: 48 * mebibyte,
    cpuShares: 512,
    unified: { "memory.high": "45088768" },
  };
  const script = "dd if=/dev/zero of=/dev/shm/file bs=1M count=20 2>/dev/null; echo written; exec sleep 1000";
  const id = await runContainer(node, pod, image, "main", script, { linux: { resources } });
  await eventually(() => assert.equal(logOfContainer(pod, "main"), "written\n"));
  // Where the kubelet and its cAdvisor look: in the cgroup of the slice, one directory for what the runtime made of the pod.
  const manager = dirname(await property("kubepods.slice", "ControlGroup"));
  const directory = join("/sys/fs/cgroup", manager, cgroupParent);
  assert.equal(cgroupOf(await pidOf(node, id)), join(directory, scopeOf(pod), id));
  const file = (name: string) => readFileSync(join(directory, name), "utf8").trim();
  const limits = ["memory.max", "cpu.weight", "cpu.max", "pids.max"];
  assert.deepEqual(limits.map(file), ["67108864", "39", "50000 100000", "100"]);
  const { stats } = await node.client.podSandboxStats({ podSandboxId: pod.id });
  const used = Number(stats?.linux?.memory?.usageBytes?.value);
  assert.ok(used >= 20 * mebibyte && used <= Number(file("memory.current")) * 1.2, `${used}`);
  assert.equal(stats?.linux?.containers[0]?.attributes?.id, id);

  // A pod that is resized in place: its slice's by D-Bus, then the pod and the container by CRI.
  await kubeletSlice(slices[2] ?? "", ["MemoryMax t 83886080", "CPUQuotaPerSecUSec t 750000"], true);
  const pod_ = { memoryLimitInBytes: 80 * mebibyte, cpuQuota: 75_000, cpuPeriod: 100_000 };
  await node.client.updatePodSandboxResources({ podSandboxId: pod.id, resources: pod_ });
  const linux = { memoryLimitInBytes: 64 * mebibyte, unified: { "memory.high": "60000000" } };
  await node.client.updateContainerResources({ containerId: id, linux });
  assert.deepEqual(["memory.max", "cpu.max"].map(file), ["83886080", "75000 100000"]);
  const container = (name: string) => readFileSync(join(directory, scopeOf(pod), id, name), "utf8").trim();
  assert.deepEqual(["memory.max", "memory.high"].map(container), [String(64 * mebibyte), "59998208"]);

  await remove(pod);
  await assertGone(pod, join(directory, scopeOf(pod)));
  // The kubelet stops the slice when the pod is gone; it must be empty by then.
  assert.match(file("cgroup.events"), /populated 0/);
  await systemctl(`stop ${slices[2]}`);
  await eventually(() => assert.ok(!existsSync(directory)));
});

test("in lichen enter --systemd the user's systemd is the machine's: slices, their cgroups, and what is mounted for pods", async (t) => {
  const enter = (line: string) =>
    shell(`${dist}/lichen --runtime-dir ${node.runtimeDir} enter --systemd -- sh -c '${line}'`);
  t.after(() => systemctl("stop lichenkubelet.slice"));
  // systemctl as root speaks to the socket that a kubelet speaks to.
  await enter(
    "systemctl start lichenkubelet.slice && systemctl set-property --runtime lichenkubelet.slice TasksMax=77",
  );
  assert.equal(await property("lichenkubelet.slice", "ActiveState"), "active");
  assert.equal(await enter("cat /sys/fs/cgroup/lichenkubelet.slice/pids.max"), "77\n");
  assert.match(await enter("cat /sys/fs/cgroup/cgroup.controllers"), /memory/);
  assert.equal(await enter("stat -f -c %T /sys/fs/cgroup"), "cgroup2fs\n");
  // What a kubelet mounts for volumes comes into the node, the rest of it does not.
  const volume = join(node.base, "volume");
  mkdirSync(volume);
  await enter(`mount -t tmpfs -o size=1m kubelet-volume ${volume} && echo of-kubelet >${volume}/file`);
  const pod = await runPod(node, "with-volume", inSlice("lichen-test.slice"));
  const mounts = [{ hostPath: volume, containerPath: "/volume" }];
  await runContainer(node, pod, image, "main", "cat /volume/file", { mounts });
  await eventually(() => assert.equal(logOfContainer(pod, "main"), "of-kubelet\n"));
  await remove(pod);
  const mountinfo = readFileSync(`/proc/${node.daemonPid()}/mountinfo`, "utf8");
  assert.match(mountinfo, /kubelet-volume/);
  assert.doesNotMatch(mountinfo, /systemd\/private/);
  const plain = `${dist}/lichen --runtime-dir ${node.runtimeDir} enter --`;
  assert.ok(!(await shell(`${plain} ls /sys/fs/cgroup`)).includes("lichenkubelet.slice"));
  await shell(`${plain} umount ${volume}`);
});

test("a slice's name that is none, and a slice that systemd refuses: an error, and nothing of the pod is made", async (t) => {
  const before = await systemctl("list-units --all --plain --no-legend 'lichen-*'");
  for (const parent of ["a--b.slice", "-a.slice", "a-.slice", ".slice", "a b.slice", "a//b.slice"])
    await assert.rejects(
      runPod(node, "wrong", inSlice(parent)),
      { code: 3, details: /cgroup_parent/ },
      parent,
    );
  await systemctl("mask --runtime lichenmasked.slice");
  t.after(() => systemctl("unmask --runtime lichenmasked.slice"));
  await assert.rejects(runPod(node, "masked", inSlice("lichenmasked.slice")), { code: 9, details: /masked/ });
  const names = (await node.client.listPodSandbox({})).items.map(({ metadata }) => metadata?.name);
  assert.ok(!names.includes("wrong") && !names.includes("masked"));
  assert.equal(await systemctl("list-units --all --plain --no-legend 'lichen-*'"), before);
});

test("whoever ends the pod's processes: it is seen, and the scope goes", async () => {
  const kill = (pod: TestPod) => async () => {
    const { info } = await node.client.podSandboxStatus({ podSandboxId: pod.id, verbose: true });
    process.kill((JSON.parse(info.info ?? "{}") as { pid: number }).pid, "SIGKILL");
  };
  const killed = await runPod(node, "killed", inSlice("lichen-test.slice"));
  const stopped = await runPod(node, "stopped", inSlice("lichen-test.slice"));
  for (const [pod, end] of [
    [killed, kill(killed)],
    [stopped, () => systemctl(`kill --signal=KILL ${scopeOf(stopped)}`)],
  ] as const) {
    const id = await runContainer(node, pod, image, "main", "exec sleep 1000");
    const scope = dirname(cgroupOf(await pidOf(node, id)));
    await end();
    await eventually(async () => {
      const { status } = await node.client.podSandboxStatus({ podSandboxId: pod.id });
      assert.equal(status?.state, PodSandboxState.SANDBOX_NOTREADY);
    });
    assert.equal((await containerStatus(node, id)).exitCode, 137);
    await eventually(() => assertGone(pod, scope));
    await remove(pod);
  }
  await systemctl("stop lichen-test.slice lichen.slice");
});

/** A pod in a slice with a limited container, and what it must still be after whatever happens to lichen. */
async function lasting(name: string, on: LichenNode, reference: string) {
  const pod = await runPod(on, name, inSlice(`lichen-${name}.slice`));
  const resources = { memoryLimitInBytes: 32 * mebibyte };
  const id = await runContainer(on, pod, reference, "main", "exec sleep 100000", { linux: { resources } });
  const pid = await pidOf(on, id);
  const cgroup = cgroupOf(pid);
  return {
    pod,
    async check() {
      assert.equal(await pidOf(on, id), pid);
      assert.equal(cgroupOf(pid), cgroup);
      assert.equal(readFileSync(join(cgroup, "memory.max"), "utf8").trim(), String(32 * mebibyte));
      const { exitCode } = await on.client.execSync({ containerId: id, cmd: ["true"], timeout: 60 });
      assert.equal(exitCode, 0);
      const attempt = `later-${Date.now()}`;
      const later = await runContainer(on, pod, reference, attempt, "exec sleep 1000", {
        linux: { resources },
      });
      assert.equal(dirname(cgroupOf(await pidOf(on, later))), dirname(cgroup), "in the same scope");
    },
    async end() {
      await on.client.stopPodSandbox({ podSandboxId: pod.id });
      await on.client.removePodSandbox({ podSandboxId: pod.id });
      await assertGone(pod, dirname(cgroup));
      await systemctl(`stop lichen-${name}.slice`);
    },
  };
}

test("a killed daemon's successor finds the pods in their scopes", async () => {
  const pod = await lasting("rejoined", node, image);
  const first = node.daemonPid();
  process.kill(first, "SIGKILL");
  await eventually(() => assert.notEqual(node.daemonPid(), first));
  await node.ready();
  await pod.check();
  await pod.end();
});

for (const [how, uplink] of [
  ["killed", "auto"],
  ["ended", "none"],
] as const) {
  test(`a launcher that was ${how} and started again finds the pods in their scopes, without an uplink in another cgroup`, async (t) => {
    const own = await startNode({ config: `${config}[network]\nuplink = "${uplink}"\n` });
    t.after(() => own.stop());
    const reference = await pullBusybox(own);
    const pod = await lasting(how, own, reference);
    const before = delegation(own);
    process.kill(own.launcherPid, how === "killed" ? "SIGKILL" : "SIGTERM");
    // With the last process in it the node's own scope goes: no pod is there.
    if (uplink === "none")
      await eventually(() => assert.ok(!existsSync(join("/sys/fs/cgroup", before.hostPath))));
    await own.restart();
    const now = delegation(own);
    assert.equal(now.delegated, true);
    assert.equal(now.hostPath !== before.hostPath, uplink === "none");
    assert.deepEqual([...now.controllers].sort(), [...before.controllers].sort());
    await pod.check();
    // Pods beside the slices have their limits as well.
    const beside = await runPod(own, "beside");
    const resources = { memoryLimitInBytes: 16 * mebibyte };
    const id = await runContainer(own, beside, reference, "main", "exec sleep 1000", {
      linux: { resources },
    });
    const cgroup = cgroupOf(await pidOf(own, id));
    assert.ok(cgroup.startsWith(join("/sys/fs/cgroup", now.hostPath)), cgroup);
    assert.equal(readFileSync(join(cgroup, "memory.max"), "utf8").trim(), String(16 * mebibyte));
    // And once more, after which the newer namespace is the node's.
    process.kill(own.launcherPid, "SIGKILL");
    await own.restart();
    await pod.check();
    assert.equal(basename(cgroupOf(await pidOf(own, id))), id);
    await pod.end();
  });
}

test("with paths as the driver a slice's name is refused, and without a systemd slices are nested", async (t) => {
  const paths = await startNode({ config: '[cgroups]\ndriver = "cgroupfs"\n' });
  t.after(() => paths.stop());
  await assert.rejects(runPod(paths, "sliced", inSlice("a.slice")), { code: 3, details: /absolute path/ });
  const nested = await startNode({ config, env: { XDG_RUNTIME_DIR: "/tmp" } });
  t.after(() => nested.stop());
  const { status } = await nested.client.status({});
  const condition = status?.conditions?.find(({ type }) => type === "SystemdSlices");
  assert.match(condition?.message ?? "", /no systemd of this user answers/);
  assert.equal((await nested.client.runtimeConfig({})).linux?.cgroupDriver, CgroupDriver.CGROUPFS);
  const { status: exit, stderr } = await nested.lichen("enter", "--systemd", "--", "true");
  assert.notEqual(exit, 0);
  assert.match(stderr, /show the user's systemd.*no systemd of this user answers.*NO_USER_MANAGER/);
});
