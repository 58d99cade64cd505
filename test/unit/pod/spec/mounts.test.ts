import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { MountPropagation } from "#cri";
import { LichenError } from "../../../../src/errors.ts";
import { checkPropagation, requestedMounts } from "../../../../src/pod/spec/cri-mounts.ts";
import { deviceMounts } from "../../../../src/pod/spec/devices.ts";
import { type DefaultMountsRequest, defaultMounts, orderedMounts } from "../../../../src/pod/spec/mounts.ts";
import { Undo } from "../../../../src/pod/undo.ts";
import { mount } from "../records.ts";

const directory = realpathSync(mkdtempSync(join(tmpdir(), "lichen-mounts-")));
after(() => rmSync(directory, { recursive: true }));
const silent = () => {};
const undo = new Undo({ debug: silent, info: silent, warn: silent, error: silent });
const refused =
  (code: string, text = /./) =>
  (error: unknown) =>
    error instanceof LichenError && error.code === code && text.test(error.message);

const ordinary: DefaultMountsRequest = {
  privileged: false,
  readonlyRootfs: false,
  network: "pod",
  ipc: "pod",
  pid: "container",
  ttyGroup: true,
  files: { hostname: "/run/hostname", hosts: "/run/hosts", resolvConf: "/run/resolv.conf" },
  nodeHas: () => true,
};
const at = (destination: string, request: Partial<DefaultMountsRequest> = {}) =>
  defaultMounts({ ...ordinary, ...request }).find((one) => one.destination === destination);
const bindOf = (destination: string) => ({
  destination,
  type: "bind",
  source: destination,
  options: ["rbind"],
});

test("an ordinary container gets fresh file systems, and the pod's files and shared memory", () => {
  const types = Object.fromEntries(
    defaultMounts(ordinary).map(({ destination, type }) => [destination, type]),
  );
  assert.deepEqual(types, {
    "/proc": "proc",
    "/dev": "tmpfs",
    "/dev/pts": "devpts",
    "/dev/shm": "bind",
    "/dev/mqueue": "mqueue",
    "/sys": "sysfs",
    "/sys/fs/cgroup": "cgroup",
    "/etc/hostname": "bind",
    "/etc/hosts": "bind",
    "/etc/resolv.conf": "bind",
  });
  assert.equal(at("/dev/shm")?.source, "lichen:shm");
});

test("where a pod shares the node's namespace, the node's mount is bound", () => {
  assert.deepEqual(
    [at("/proc", { pid: "node" })?.type, at("/proc", { pid: "node" })?.source],
    ["bind", "/proc"],
  );
  assert.equal(at("/sys", { network: "node" })?.source, "/sys");
  assert.equal(at("/dev/shm", { ipc: "node" })?.source, "/dev/shm");
  assert.equal(at("/dev/mqueue", { ipc: "node" })?.source, "/dev/mqueue");
  assert.equal(at("/dev/mqueue", { ipc: "node", nodeHas: (path) => path === "/dev/shm" }), undefined);
});

test("sysfs and cgroups are read-only unless privileged", () => {
  for (const path of ["/sys", "/sys/fs/cgroup"]) {
    assert.ok(at(path)?.options.includes("ro"), path);
    assert.ok(at(path, { privileged: true })?.options.includes("rw"), path);
    assert.ok(at(path, { network: "node" })?.options.includes("ro"), path);
  }
});

test("the pod's files are read-only with a read-only root", () => {
  assert.ok(at("/etc/hosts")?.options.includes("rw"));
  assert.ok(at("/etc/hosts", { readonlyRootfs: true })?.options.includes("ro"));
  assert.equal(at("/etc/hosts", { files: { ...ordinary.files, hosts: "" } }), undefined);
});

test("terminals belong to group 5 where there is one", () => {
  assert.ok(at("/dev/pts")?.options.includes("gid=5"));
  assert.ok(!at("/dev/pts", { ttyGroup: false })?.options.includes("gid=5"));
});

test("a requested mount takes the place of the default one; deeper ones come later", () => {
  const requested = ["/data/a/b", "/dev/shm", "/data"].map(bindOf);
  const destinations = orderedMounts(defaultMounts(ordinary), requested).map((one) => one.destination);
  assert.equal(destinations.filter((path) => path === "/dev/shm").length, 1);
  assert.deepEqual(destinations.slice(-3), ["/data", "/dev/shm", "/data/a/b"]);
});

test("a mount is a recursive bind of what the host path's links lead to", async () => {
  mkdirSync(join(directory, "real"));
  symlinkSync("real", join(directory, "link"));
  const { mounts, rootfsPropagation } = await requestedMounts(
    [mount({ hostPath: join(directory, "link"), containerPath: "/a//b/" })],
    undo,
  );
  assert.deepEqual(mounts, [
    {
      destination: "/a/b",
      type: "bind",
      source: join(directory, "real"),
      options: ["rbind", "rprivate", "rw"],
    },
  ]);
  assert.equal(rootfsPropagation, undefined);
});

test("read-only and recursively read-only", async () => {
  const options = async (fields: Parameters<typeof mount>[0]) =>
    (await requestedMounts([mount({ hostPath: directory, ...fields })], undo)).mounts[0]?.options.at(-1);
  assert.equal(await options({ readonly: true }), "ro");
  assert.equal(await options({ readonly: true, recursiveReadOnly: true }), "rro");
});

test("a host path that does not exist becomes a directory, if it can", async () => {
  const path = join(directory, "made/for/it");
  await requestedMounts([mount({ hostPath: path })], undo);
  assert.ok(statSync(path).isDirectory());
  await undo.run();
  assert.ok(!existsSync(join(directory, "made")), "and is taken back with the container");
  writeFileSync(join(directory, "file"), "");
  await assert.rejects(
    requestedMounts([mount({ hostPath: join(directory, "file/below") })], undo),
    refused("FAILED_PRECONDITION", /cannot be reached: ENOTDIR/),
  );
});

const table = [
  "20 1 8:1 / / rw shared:1 - ext4 /dev/sda rw",
  "21 20 8:2 / /private rw - ext4 /dev/sdb rw",
  "22 20 8:3 / /slave rw master:7 - ext4 /dev/sdc rw",
  "23 20 8:4 / /with\\040space rw - ext4 /dev/sdd rw",
  "24 21 8:5 / /private rw shared:9 - tmpfs tmpfs rw",
  "25 20 8:6 / /slave2 rw master:7 - ext4 shared:1 rw",
].join("\n");

test("propagation is what the mount that holds the path has", () => {
  checkPropagation(table, "/data", "rshared");
  checkPropagation(table, "/slave/x", "rslave");
  checkPropagation(table, "/private/x", "rshared");
  assert.throws(
    () => checkPropagation(table, "/slave/x", "rshared"),
    refused("FAILED_PRECONDITION", /slave/),
  );
  assert.throws(
    () => checkPropagation(table, "/with space/x", "rslave"),
    refused("FAILED_PRECONDITION", /with space, which is private/),
  );
  assert.throws(() => checkPropagation(table, "/slave2", "rshared"), refused("FAILED_PRECONDITION"));
  checkPropagation(table, "/private2", "rshared");
});

test("the root follows the strongest propagation asked for", async () => {
  const both = [MountPropagation.PROPAGATION_HOST_TO_CONTAINER, MountPropagation.PROPAGATION_BIDIRECTIONAL];
  const asked = both.map((propagation, index) =>
    mount({ hostPath: "/", containerPath: `/m${index}`, propagation }),
  );
  try {
    const { mounts, rootfsPropagation } = await requestedMounts(asked, undo);
    assert.equal(rootfsPropagation, "rshared");
    assert.deepEqual(
      mounts.map(({ options }) => options[1]),
      ["rslave", "rshared"],
    );
  } catch (error) {
    // A machine whose root is private: then that is what must be said.
    assert.ok(refused("FAILED_PRECONDITION", /mount --make-rshared|private/)(error));
  }
});

test("devices are bound from the node, those of a directory with their names", () => {
  const device = { containerPath: "/dev/nothing", hostPath: "/dev/null", permissions: "rwm" };
  const [bound, ...more] = deviceMounts([device], false);
  assert.deepEqual(more, []);
  assert.equal(bound?.source, "/dev/null");
  assert.equal(bound?.destination, "/dev/nothing");
  const all = deviceMounts([{ containerPath: "/dev/own", hostPath: "/dev", permissions: "" }], false);
  assert.ok(all.some(({ source, destination }) => source === "/dev/zero" && destination === "/dev/own/zero"));
});

test("devices that are none, and permissions that nobody could enforce, are refused", () => {
  const device = (fields: object) => [
    { containerPath: "", hostPath: "/dev/null", permissions: "rw", ...fields },
  ];
  assert.throws(
    () => deviceMounts(device({ hostPath: "/dev/nonsense" }), false),
    refused("INVALID_ARGUMENT", /no such/),
  );
  assert.throws(() => deviceMounts(device({ hostPath: "null" }), false), refused("INVALID_ARGUMENT"));
  assert.throws(
    () => deviceMounts(device({ hostPath: directory }), false),
    refused("INVALID_ARGUMENT", /neither/),
  );
  assert.throws(() => deviceMounts(device({ permissions: "x" }), false), refused("INVALID_ARGUMENT"));
  assert.throws(
    () => deviceMounts(device({ permissions: "r" }), false),
    refused("FAILED_PRECONDITION", /enforced/),
  );
});

test("privileged has every device that this user may open, and none twice", () => {
  const own = { containerPath: "/dev/fuse", hostPath: "/dev/zero", permissions: "" };
  const destinations = deviceMounts([own], true).map(({ destination }) => destination);
  assert.equal(new Set(destinations).size, destinations.length);
  assert.ok(!destinations.includes("/dev/null"), "what every container has is not bound again");
  assert.ok(!destinations.some((path) => path.startsWith("/dev/pts/")));
});
