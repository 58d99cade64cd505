import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import type { LinuxContainerResources } from "#cri";
import { LichenError } from "../../../src/errors.ts";
import { Cgroups, type CgroupsOptions } from "../../../src/resources/cgroups.ts";
import type { Setting } from "../../../src/resources/limits.ts";

const base = mkdtempSync(join(tmpdir(), "lichen-cgroups-"));
after(() => rmSync(base, { recursive: true }));

/** Ordinary directories in the place of cgroups: enough for placement and writing, not for kill and remove. */
function open(options: Partial<CgroupsOptions> = {}) {
  const root = mkdtempSync(join(base, "root-"));
  const unenforced: string[] = [];
  const cgroups = new Cgroups({
    delegated: true,
    controllers: ["memory", "pids"],
    reason: "",
    missing: "refuse",
    driver: "auto",
    onUnenforced: ({ asked }) => unenforced.push(asked),
    root,
    ...options,
  });
  return { cgroups, root, unenforced };
}
const asking = (fields: Partial<LinuxContainerResources>) =>
  ({ hugepageLimits: [], unified: {}, cpusetCpus: "", cpusetMems: "", ...fields }) as LinuxContainerResources;
const failure = (code: string, pattern: RegExp) => (error: unknown) =>
  error instanceof LichenError && error.code === code && pattern.test(error.message);

test("a pod is at its parent, or below /lichen without one", () => {
  const { cgroups } = open();
  assert.equal(cgroups.podPath("abc", ""), "/lichen/abc");
  assert.equal(cgroups.podPath("abc", "/kubepods//burstable/pod1/"), "/kubepods/burstable/pod1");
  assert.equal(cgroups.leafPath("/lichen/abc", "c1"), "/lichen/abc/c1");
});

test("a slice is nested as systemd nests it, unless only paths are taken", () => {
  for (const driver of ["auto", "systemd"] as const) {
    const { cgroups } = open({ driver });
    const expanded = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod12_3.slice";
    assert.equal(cgroups.podPath("abc", "kubepods-burstable-pod12_3.slice"), expanded);
    assert.equal(cgroups.podPath("abc", "system.slice"), "/system.slice");
    assert.equal(cgroups.podPath("abc", "-.slice"), "/lichen/abc");
    assert.equal(cgroups.podPath("abc", expanded), expanded);
    assert.equal(cgroups.podPath("abc", "/a/b.slice"), "/a/b.slice", "a path stays one");
    for (const parent of ["a--b.slice", "-a.slice", "a-.slice", ".slice", "a b.slice"])
      assert.throws(() => cgroups.podPath("abc", parent), failure("INVALID_ARGUMENT", /slice/), parent);
  }
  const paths = open({ driver: "cgroupfs" }).cgroups;
  assert.throws(
    () => paths.podPath("abc", "a.slice"),
    failure("INVALID_ARGUMENT", /a\.slice: not an absolute/),
  );
});

/** A systemd that only notes what it is asked. */
function withSystemd(options: Partial<CgroupsOptions> = {}) {
  const asked: unknown[] = [];
  const directory = mkdtempSync(join(base, "slices-"));
  const maker = {
    startScope: async (request: object) => void asked.push(request),
    stopUnit: async (name: string) => void asked.push(name),
  };
  const path = "/user.slice/user-1000.slice/user@1000.service";
  const slices = { directory, path, controllers: ["memory", "cpu"], maker };
  return { ...open({ slices, ...options }), directory, asked };
}
const podSlice = "kubepods-burstable-pod12_3.slice";
const podScope = `systemd:/kubepods.slice/kubepods-burstable.slice/${podSlice}/lichen-abc.scope`;

test("where the user's systemd answers, a slice is its own and the pod a scope in it", () => {
  for (const driver of ["auto", "systemd"] as const) {
    const { cgroups, directory } = withSystemd({ driver });
    assert.equal(cgroups.podPath("abc", podSlice), podScope);
    assert.equal(cgroups.podPath("abc", "-.slice"), "systemd:/lichen-abc.scope");
    assert.equal(cgroups.podPath("abc", ""), "/lichen/abc", "no parent: lichen's own");
    const asKubelet = dirname(podScope.slice("systemd:".length));
    assert.equal(cgroups.podPath("abc", asKubelet), podScope, "a kubelet sends systemd's whole path");
    const onHost = `/user.slice/user-1000.slice/user@1000.service${asKubelet}`;
    assert.equal(cgroups.podPath("abc", onHost), podScope, "or the host's");
    for (const path of [
      "/a/b.slice",
      "/a.slice/b.slice",
      `/elsewhere${asKubelet}`,
      "/a--b.slice",
      "/a b.slice",
    ])
      assert.equal(cgroups.podPath("abc", path), path, "any other path stays one");
    assert.equal(cgroups.directory(podScope), join(directory, podScope.slice("systemd:".length)));
    assert.equal(cgroups.directory(`${podScope}/c1`), join(cgroups.directory(podScope), "c1"));
    assert.ok(!cgroups.isOwn(podScope), "the slice's limits are its owner's");
    for (const parent of ["a--b.slice", "-a.slice", "a-.slice", ".slice", "--.slice"])
      assert.throws(() => cgroups.podPath("abc", parent), failure("INVALID_ARGUMENT", /slice/), parent);
  }
  const paths = withSystemd({ driver: "cgroupfs" }).cgroups;
  assert.throws(() => paths.podPath("abc", "a.slice"), failure("INVALID_ARGUMENT", /not an absolute/));
  assert.equal(paths.podPath("abc", "/a.slice"), "/a.slice", "only paths: this is one");
  const alone = withSystemd({ delegated: false, controllers: [] }).cgroups;
  assert.equal(alone.podPath("abc", podSlice), podScope, "also where nothing else is ours");
});

test("the scope is made around the monitor, and stopped with the pod", async () => {
  const { cgroups, asked, directory } = withSystemd();
  assert.equal(cgroups.createSeat(podScope, "abc"), "", "the monitor is born where the daemon is");
  const scope = await cgroups.makeScope(podScope, "abc", 4711);
  assert.equal(scope, join(directory, podScope.slice("systemd:".length)));
  const description = "Pod sandbox abc of lichen";
  const request = { name: "lichen-abc.scope", slice: podSlice, description, pid: 4711 };
  assert.deepEqual(asked, [request]);
  await cgroups.makeScope("systemd:/lichen-x.scope", "x", 1);
  assert.equal((asked[1] as { slice: string }).slice, "-.slice");
  await cgroups.removePod(podScope, [`${podScope}/abc`]);
  assert.deepEqual(asked[2], "lichen-abc.scope");

  assert.equal(await cgroups.makeScope("/lichen/x", "x", 1), undefined);
  assert.ok(cgroups.createSeat("/lichen/x", "x").endsWith("/lichen/x/x"));
  assert.equal(asked.length, 3, "systemd hears of slices only");
});

test("below a scope cgroups are ours, with systemd's controllers; above they are left alone", () => {
  const { cgroups, directory } = withSystemd();
  const leaf = cgroups.leafPath(podScope, "c1");
  assert.throws(() => cgroups.create(leaf), failure("FAILED_PRECONDITION", /create cgroup/), "no scope yet");
  mkdirSync(cgroups.directory(podScope), { recursive: true });
  cgroups.create(leaf);
  const handed = (path: string) => join(directory, path, "cgroup.subtree_control");
  assert.equal(readFileSync(handed(podScope.slice("systemd:".length)), "utf8"), "+cpu");
  assert.ok(!existsSync(handed("kubepods.slice")));
  cgroups.apply(leaf, cgroups.check(asking({ cpuQuota: 1000 }), "web", leaf));
  assert.equal(cgroups.read(leaf, "cpu.max"), "1000 100000");
  assert.throws(
    () => cgroups.check(asking({ unified: { "pids.max": "3" } }), "web", leaf),
    failure("FAILED_PRECONDITION", /controller pids is not delegated/),
  );
  const path = podScope.slice("systemd:".length);
  assert.deepEqual(cgroups.forMonitor(leaf), { cgroup: `${path}/c1`, cgroupRoot: directory });
  assert.deepEqual(cgroups.forMonitor("/lichen/x"), { cgroup: "/lichen/x" });
});

test("lichen's own cgroups are nobody's parent", () => {
  const { cgroups } = open();
  for (const parent of ["/lichen", "/lichen/abc", "/node"])
    assert.throws(() => cgroups.podPath("abc", parent), failure("INVALID_ARGUMENT", /lichen's own/), parent);
});

test("a parent that leads elsewhere is refused, also where nothing is delegated", () => {
  for (const { cgroups } of [open(), open({ delegated: false })]) {
    for (const parent of ["relative", "/a/../b", "/..", "/a/./b"]) {
      assert.throws(
        () => cgroups.podPath("abc", parent),
        failure("INVALID_ARGUMENT", /cgroup_parent/),
        parent,
      );
    }
  }
});

test("without delegation there is no cgroup anywhere", () => {
  const { cgroups } = open({ delegated: false, controllers: [] });
  const pod = cgroups.podPath("abc", "/kubepods");
  assert.equal(pod, "");
  assert.equal(cgroups.leafPath(pod, "c1"), "");
  assert.equal(cgroups.directory(""), "");
  cgroups.create("");
  assert.equal(cgroups.read("", "cpu.stat"), undefined);
});

test("create makes every level and hands the controllers down", () => {
  const { cgroups, root } = open();
  cgroups.create("/lichen/abc/c1");
  assert.ok(existsSync(join(root, "lichen/abc/c1")));
  // Written one after another, as the kernel takes them; an ordinary file keeps the last.
  assert.equal(readFileSync(join(root, "lichen/cgroup.subtree_control"), "utf8"), "+pids");
  assert.ok(!existsSync(join(root, "lichen/abc/c1/cgroup.subtree_control")), "a leaf hands nothing down");
  cgroups.create("/lichen/abc/c1");
});

test("a controller that is handed down already is left alone", () => {
  const { cgroups, root } = open({ controllers: ["memory"] });
  writeFileSync(join(root, "cgroup.subtree_control"), "memory pids\n");
  cgroups.create("/lichen");
  assert.equal(readFileSync(join(root, "cgroup.subtree_control"), "utf8"), "memory pids\n");
});

test("a limit without its controller is refused by name, before anything is written", () => {
  const { cgroups } = open();
  assert.throws(
    () => cgroups.check(asking({ cpuQuota: 1000 }), "web", "/c"),
    failure("FAILED_PRECONDITION", /enforce cpu_quota web: the cgroup controller cpu is not delegated/),
  );
  const undelegated = open({ delegated: false, controllers: [], reason: "no systemd" });
  assert.throws(
    () => undelegated.cgroups.check(asking({ memoryLimitInBytes: 1 }), "web", ""),
    failure("FAILED_PRECONDITION", /no cgroup is delegated.*no systemd/),
  );
});

test("configured to warn, the container runs without the limit and somebody is told", () => {
  const { cgroups, unenforced } = open({ missing: "warn" });
  const settings = cgroups.check(asking({ cpuQuota: 1000, memoryLimitInBytes: 5 }), "web", "/c");
  assert.deepEqual(
    settings.map(({ file }) => file),
    ["memory.max"],
  );
  assert.deepEqual(unenforced, ["cpu_quota"]);
});

test("a preference never refuses a container", () => {
  const { cgroups, unenforced } = open({ delegated: false, controllers: [] });
  assert.deepEqual(
    cgroups.check(asking({ cpuShares: 512, unified: { "memory.oom.group": "1" } }), "web", ""),
    [],
  );
  assert.deepEqual(unenforced, ["cpu_shares", "unified memory.oom.group"]);
});

test("settings are written to the cgroup's files", () => {
  const { cgroups, root } = open();
  cgroups.create("/lichen/abc/c1");
  cgroups.apply(
    "/lichen/abc/c1",
    cgroups.check(asking({ memoryLimitInBytes: 4096 }), "web", "/lichen/abc/c1"),
  );
  assert.equal(readFileSync(join(root, "lichen/abc/c1/memory.max"), "utf8"), "4096");
  assert.equal(cgroups.read("/lichen/abc/c1", "memory.max"), "4096");
});

test("a file that is not there is a failure with its name, but for swap on a node without", () => {
  const { cgroups } = open();
  const setting = (file: string): Setting => ({
    asked: "memory_limit_in_bytes",
    controller: "memory",
    file,
    value: "0",
    kind: "limit",
  });
  assert.throws(
    () => cgroups.apply("/gone", [setting("memory.max")]),
    failure("FAILED_PRECONDITION", /\/gone\/memory\.max.*ENOENT/),
  );
  cgroups.apply("/gone", [setting("memory.swap.max")]);
});

test("create says which cgroup could not be made", () => {
  const { cgroups, root } = open();
  mkdirSync(join(root, "lichen"));
  writeFileSync(join(root, "lichen/abc"), "");
  assert.throws(() => cgroups.create("/lichen/abc/c1"), failure("FAILED_PRECONDITION", /create cgroup/));
});
