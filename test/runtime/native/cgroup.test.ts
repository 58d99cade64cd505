import assert from "node:assert/strict";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { cgroupPopulated, createCgroup, killCgroup, removeCgroup } from "../../../src/native/cgroup.ts";
import { type Exit, spawn, watchPid } from "../../../src/native/process.ts";

/** A directory where this user may make cgroups: beside its own one, as in a delegated subtree. Or why there is none. */
function delegated(): { path: string } | { reason: string } {
  const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync("/proc/self/mounts", "utf8"))?.[1];
  const own = /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1];
  if (mount === undefined || own === undefined) return { reason: "no cgroup v2 hierarchy is mounted" };
  for (const place of [join(mount, own), dirname(join(mount, own))]) {
    try {
      accessSync(join(place, "cgroup.procs"), constants.W_OK);
      const probe = join(place, `lichen-test-${process.pid}`);
      mkdirSync(probe);
      return { path: probe };
    } catch {}
  }
  return { reason: `no cgroup of this user's own (it is in ${own})` };
}

const place = delegated();
const skip = "reason" in place ? place.reason : false;
const root = "path" in place ? place.path : "";
after(() => root !== "" && existsSync(root) && rmdirSync(root));

/** A sleeping child in the cgroup, and its end. */
function sleeper(cgroup: string): { pid: number; ended: Promise<Exit | undefined> } {
  const child = spawn({ file: "/bin/sleep", args: ["60"], env: {}, cgroup });
  const ended = new Promise<Exit | undefined>((resolve) => void watchPid(child.pidfd, resolve));
  child.pidfd.close();
  return { pid: child.pid, ended };
}

test("cgroups are made with their parents, and removed with their children", { skip }, async () => {
  const pod = join(root, "pod");
  createCgroup(join(pod, "a/b"));
  createCgroup(join(pod, "a/b"));
  createCgroup(join(pod, "c"));
  assert.ok(existsSync(join(pod, "a/b/cgroup.procs")));
  assert.equal(cgroupPopulated(pod), false);
  await removeCgroup(pod);
  assert.equal(existsSync(pod), false);
  await removeCgroup(pod);
});

test("a child is born in its cgroup", { skip }, async () => {
  const cgroup = join(root, "born");
  createCgroup(cgroup);
  const { pid, ended } = sleeper(cgroup);
  assert.equal(readFileSync(join(cgroup, "cgroup.procs"), "utf8"), `${pid}\n`);
  assert.match(readFileSync(`/proc/${pid}/cgroup`, "utf8"), /^0::.*\/born$/m);
  assert.equal(cgroupPopulated(cgroup), true);
  await killCgroup(cgroup);
  assert.deepEqual(await ended, { code: 0, signal: 9 });
  await removeCgroup(cgroup);
});

test("kill ends everything below at once, and waits for it", { skip }, async () => {
  const pod = join(root, "pod2");
  const leaves = ["a", "b", "c/d"].map((name) => join(pod, name));
  for (const leaf of leaves) createCgroup(leaf);
  const sleepers = leaves.flatMap((leaf) => [sleeper(leaf), sleeper(leaf)]);
  await killCgroup(pod);
  assert.equal(cgroupPopulated(pod), false);
  for (const { ended } of sleepers) assert.equal((await ended)?.signal, 9);
  await removeCgroup(pod);
  assert.equal(existsSync(pod), false);
});

test("a cgroup with living processes is not removed", { skip }, async () => {
  const cgroup = join(root, "alive");
  createCgroup(cgroup);
  const { ended } = sleeper(cgroup);
  await assert.rejects(removeCgroup(cgroup, 30), { code: "FAILED_PRECONDITION", message: /EBUSY/ });
  await killCgroup(cgroup);
  await removeCgroup(cgroup);
  await ended;
});

test("frozen processes are killed as well", { skip }, async () => {
  const cgroup = join(root, "frozen");
  createCgroup(cgroup);
  const { ended } = sleeper(cgroup);
  writeFileSync(join(cgroup, "cgroup.freeze"), "1");
  await killCgroup(cgroup);
  await ended;
  await removeCgroup(cgroup);
});

test("a cgroup that does not exist has nothing to kill or to count", { skip }, async () => {
  await killCgroup(join(root, "never"));
  assert.throws(() => cgroupPopulated(join(root, "never")), { code: "NOT_FOUND" });
  assert.throws(() => createCgroup("/proc/lichen/x"), /mkdir "\/proc\/lichen/);
});

test("a cgroup that somebody removes while it is killed is fine", { skip }, async () => {
  for (let round = 0; round < 100; round++) {
    const cgroup = join(root, `raced-${round}`);
    createCgroup(join(cgroup, "leaf"));
    const done = await Promise.allSettled([killCgroup(join(cgroup, "leaf")), removeCgroup(cgroup)]);
    assert.deepEqual(
      done.map(({ status }) => status),
      ["fulfilled", "fulfilled"],
    );
  }
});
