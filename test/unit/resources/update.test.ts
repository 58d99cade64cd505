import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { LinuxContainerResources } from "#cri";
import { LichenError } from "../../../src/errors.ts";
import { Cgroups } from "../../../src/resources/cgroups.ts";
import { mergeResources } from "../../../src/resources/merge.ts";
import { type FileWrite, writeAll } from "../../../src/resources/write-all.ts";
import { containerConfig } from "../cri/rooms.ts";

const base = mkdtempSync(join(tmpdir(), "lichen-update-"));
after(() => rmSync(base, { recursive: true }));

const resources = (fields: Partial<LinuxContainerResources>): LinuxContainerResources =>
  containerConfig({ linux: { resources: fields } }).linux!.resources!;
const failure = (code: string, pattern: RegExp) => (error: unknown) =>
  error instanceof LichenError && error.code === code && pattern.test(error.message);

/** Ordinary files in the place of a cgroup's: they take any value, so refusals are made by other means. */
function directoryWith(files: Record<string, string>) {
  const directory = mkdtempSync(join(base, "cgroup-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return {
    directory,
    write: (name: string, value: string): FileWrite => ({ path: join(directory, name), value, asked: name }),
    read: (name: string) => readFileSync(join(directory, name), "utf8"),
  };
}

test("what a change does not ask for stays", () => {
  const present = resources({
    cpuQuota: 5000,
    cpuPeriod: 10000,
    cpuShares: 512,
    cpusetCpus: "0",
    memoryLimitInBytes: 100,
    unified: { "pids.max": "5", "memory.high": "50" },
    hugepageLimits: [
      { pageSize: "2MB", limit: 1 },
      { pageSize: "1GB", limit: 2 },
    ],
  });
  const merged = mergeResources(
    present,
    resources({
      cpuPeriod: 20000,
      cpusetCpus: "1",
      memoryLimitInBytes: -1,
      unified: { "pids.max": "6" },
      hugepageLimits: [{ pageSize: "2MB", limit: 3 }],
    }),
  );
  assert.deepEqual(merged, {
    ...present,
    cpuPeriod: 20000,
    cpusetCpus: "1",
    memoryLimitInBytes: -1,
    unified: { "pids.max": "6", "memory.high": "50" },
    hugepageLimits: [
      { pageSize: "1GB", limit: 2 },
      { pageSize: "2MB", limit: 3 },
    ],
  });
  assert.equal(mergeResources(null, present), present);
});

test("when only memory changes, as much swap as before stays allowed", () => {
  const present = resources({ memoryLimitInBytes: 100, memorySwapLimitInBytes: 150 });
  const merged = mergeResources(present, resources({ memoryLimitInBytes: 300 }));
  assert.equal(merged.memorySwapLimitInBytes, 350);
});

test("all files are written, or none: what was written is taken back", () => {
  const files = directoryWith({ a: "1\n", b: "max 100000\n", c: "3\n" });
  writeAll([files.write("a", "10"), files.write("b", "5 100")]);
  assert.deepEqual([files.read("a"), files.read("b")], ["10", "5 100"]);
  // A directory can be neither read nor written: as the kernel, it refuses after others were taken.
  chmodSync(join(files.directory, "c"), 0o400);
  assert.throws(
    () => writeAll([files.write("a", "11"), files.write("b", "6 100"), files.write("c", "4")]),
    failure("FAILED_PRECONDITION", /set c .*writing "4": EACCES/),
  );
  assert.deepEqual([files.read("a"), files.read("b"), files.read("c")], ["10", "5 100", "3\n"]);
});

test("a file that is not there is found out before anything is written", () => {
  const files = directoryWith({ a: "1\n" });
  assert.throws(
    () => writeAll([files.write("a", "2"), files.write("nothing", "2")]),
    failure("FAILED_PRECONDITION", /set nothing .*reading: ENOENT/),
  );
  assert.equal(files.read("a"), "1\n");
});

test("a failure in the middle leaves nothing behind, wherever it comes", () => {
  for (let failing = 0; failing < 4; failing++) {
    const names = ["a", "b", "c", "d"];
    const files = directoryWith(Object.fromEntries(names.map((name) => [name, `old ${name}`])));
    chmodSync(join(files.directory, names[failing]!), 0o400);
    assert.throws(() => writeAll(names.map((name) => files.write(name, "new"))));
    assert.deepEqual(
      names.map(files.read),
      names.map((name) => `old ${name}`),
    );
  }
});

test("a set of CPUs that was nobody's choice is written last, and when it is refused the others have their values", () => {
  const files = directoryWith({
    ...{ "cpuset.cpus": "\n", "cpuset.cpus.effective": "0-3\n" },
    ...{ "cpuset.mems": "\n", "cpuset.mems.effective": "0\n" },
    ...{ "memory.max": "max\n", "io.max": "" },
  });
  chmodSync(join(files.directory, "memory.max"), 0o400);
  const writes = [
    files.write("cpuset.cpus", "0"),
    files.write("io.max", "8:0 rbps=1"),
    files.write("memory.max", "4096"),
  ];
  assert.throws(() => writeAll(writes), failure("FAILED_PRECONDITION", /set memory\.max /));
  assert.equal(files.read("cpuset.cpus"), "\n");
  chmodSync(join(files.directory, "memory.max"), 0o600);
  chmodSync(join(files.directory, "cpuset.mems"), 0o400);
  assert.throws(
    () => writeAll([...writes, files.write("cpuset.mems", "7")]),
    failure("FAILED_PRECONDITION", /set cpuset\.mems /),
  );
  assert.deepEqual([files.read("memory.max"), files.read("cpuset.cpus")], ["max", "\n"]);
});

/** A node whose one cgroup, /c, has these files. */
function cgroupWith(files: Record<string, string>, controllers = ["memory", "cpu"]) {
  const root = mkdtempSync(join(base, "root-"));
  mkdirSync(join(root, "c"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, "c", name), text);
  const onUnenforced = () => {};
  const cgroups = new Cgroups({
    delegated: true,
    controllers,
    reason: "",
    missing: "refuse",
    driver: "auto",
    onUnenforced,
    root,
  });
  const update = (fields: Partial<LinuxContainerResources>) =>
    cgroups.update("/c", cgroups.check(resources(fields), "web", "/c"));
  return { update, read: (name: string) => readFileSync(join(root, "c", name), "utf8") };
}

const memory = {
  "memory.max": "max\n",
  "memory.current": "1000\n",
  "memory.stat": "active_file 300\ninactive_file 200\nslab_reclaimable 50\n",
};

test("less memory than cannot be dropped is refused, since the kernel would kill for it", () => {
  const { update, read } = cgroupWith({ ...memory, "cpu.weight": "100\n" });
  assert.throws(
    () => update({ memoryLimitInBytes: 449, cpuShares: 2 }),
    failure("FAILED_PRECONDITION", /450 bytes are in use .*more than 449/),
  );
  assert.deepEqual([read("memory.max"), read("cpu.weight")], ["max\n", "100\n"]);
  update({ memoryLimitInBytes: 450 });
  assert.equal(read("memory.max"), "450");
});

test("on a node without swap its limit is not written, and the rest is", () => {
  const { update, read } = cgroupWith(memory);
  update({ memoryLimitInBytes: 2000, memorySwapLimitInBytes: 2000 });
  assert.equal(read("memory.max"), "2000");
});

test("a limit without its controller changes nothing, and lifting one needs none", () => {
  const { update, read } = cgroupWith(memory, ["memory"]);
  assert.throws(
    () => update({ memoryLimitInBytes: 2000, cpuQuota: 1000 }),
    failure("FAILED_PRECONDITION", /cpu_quota/),
  );
  assert.equal(read("memory.max"), "max\n");
  update({ memoryLimitInBytes: 2000, cpuQuota: -1 });
  assert.equal(read("memory.max"), "2000");
});
