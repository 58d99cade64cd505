import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
    () => cgroups.check(asking({ cpuQuota: 1000 }), "web"),
    failure("FAILED_PRECONDITION", /enforce cpu_quota web: the cgroup controller cpu is not delegated/),
  );
  const undelegated = open({ delegated: false, controllers: [], reason: "no systemd" });
  assert.throws(
    () => undelegated.cgroups.check(asking({ memoryLimitInBytes: 1 }), "web"),
    failure("FAILED_PRECONDITION", /no cgroup is delegated.*no systemd/),
  );
});

test("configured to warn, the container runs without the limit and somebody is told", () => {
  const { cgroups, unenforced } = open({ missing: "warn" });
  const settings = cgroups.check(asking({ cpuQuota: 1000, memoryLimitInBytes: 5 }), "web");
  assert.deepEqual(
    settings.map(({ file }) => file),
    ["memory.max"],
  );
  assert.deepEqual(unenforced, ["cpu_quota"]);
});

test("a preference never refuses a container", () => {
  const { cgroups, unenforced } = open({ delegated: false, controllers: [] });
  assert.deepEqual(
    cgroups.check(asking({ cpuShares: 512, unified: { "memory.oom.group": "1" } }), "web"),
    [],
  );
  assert.deepEqual(unenforced, ["cpu_shares", "unified memory.oom.group"]);
});

test("settings are written to the cgroup's files", () => {
  const { cgroups, root } = open();
  cgroups.create("/lichen/abc/c1");
  cgroups.apply("/lichen/abc/c1", cgroups.check(asking({ memoryLimitInBytes: 4096 }), "web"));
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
