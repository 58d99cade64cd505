import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { SecurityProfileProfileType } from "#cri";
import { LichenError } from "../../../../src/errors.ts";
import { buildSpec, type SpecRequest } from "../../../../src/pod/spec/build.ts";
import { containerSecurity } from "../../../../src/pod/spec/security.ts";
import { containerUser } from "../../../../src/pod/spec/user.ts";
import { containerConfig, securityContext } from "../records.ts";

const node = { lastCapability: 40, appArmor: false, selinux: "", oomScoreAdj: 0 };
const refused = (code: string) => (error: unknown) => error instanceof LichenError && error.code === code;

const build = (fields: Partial<SpecRequest> = {}) =>
  buildSpec({
    config: containerConfig({ command: ["sleep", "1"] }),
    image: {},
    hostname: "web-0",
    user: { uid: 0, gid: 0, additionalGids: [0] },
    security: containerSecurity(null, node),
    namespaces: { network: "pod", ipc: "pod", pid: "container" },
    pid: { pid: "container", targetId: "" },
    mounts: [],
    rootfsPropagation: undefined,
    files: { hostname: "/r/hostname", hosts: "/r/hosts", resolvConf: "/r/resolv.conf" },
    singleId: false,
    oomScoreAdj: undefined,
    cgroup: "/lichen/p/c",
    emptyDirectory: "/c/empty",
    ...fields,
  });

test("an ordinary container is confined", () => {
  const { process, root, linux, hostname } = build();
  assert.deepEqual(process.args, ["sleep", "1"]);
  assert.equal(process.capabilities.bounding.length, 14);
  assert.equal(root.readonly, false);
  assert.equal(hostname, "web-0");
  assert.ok(linux.maskedPaths.includes("/proc/kcore"));
  assert.ok(linux.readonlyPaths.includes("/proc/sys"));
  assert.equal(linux.cgroupsPath, "/lichen/p/c");
  assert.deepEqual(linux.namespaces.map(({ type }) => type).sort(), [
    "cgroup",
    "ipc",
    "mount",
    "network",
    "pid",
    "uts",
  ]);
});

test("what was not asked for is absent, not undefined: the spec goes out as JSON", () => {
  const spec = build({ cgroup: "" });
  assert.deepEqual(JSON.parse(JSON.stringify(spec)), spec);
  for (const member of ["seccomp", "rootfsPropagation", "cgroupsPath", "mountLabel"])
    assert.ok(!(member in spec.linux), member);
  assert.ok(!("oomScoreAdj" in spec.process) && !("apparmorProfile" in spec.process));
  assert.ok(!("selinuxLabel" in spec.process));
});

test("SELinux labels are the process's, the spec's and those of mounts that can have one", () => {
  const security = {
    ...containerSecurity(null, node),
    selinux: { process: "u:r:t:s0", files: "u:object_r:f:s0" },
  };
  const { process, linux, mounts } = build({ security });
  assert.deepEqual([process.selinuxLabel, linux.mountLabel], ["u:r:t:s0", "u:object_r:f:s0"]);
  const labelled = mounts.filter(({ options }) => options.includes("context=u:object_r:f:s0"));
  assert.deepEqual(
    labelled.map(({ destination }) => destination),
    ["/dev", "/dev/pts", "/dev/shm"],
  );
  const without = build({ security: { ...security, selinux: { process: "u:r:t:s0" } } });
  assert.ok(!JSON.stringify(without.mounts).includes("context="));
});

test("the node's network has the node's host name", () => {
  const spec = build({
    namespaces: { network: "node", ipc: "node", pid: "node" },
    pid: { pid: "node", targetId: "" },
  });
  assert.ok(!("hostname" in spec));
  assert.deepEqual(
    spec.linux.namespaces.map(({ type }) => type),
    ["mount", "cgroup"],
  );
});

test("a privileged container is not confined", () => {
  const context = securityContext({
    privileged: true,
    seccomp: { profileType: SecurityProfileProfileType.RuntimeDefault, localhostRef: "" },
  });
  const { process, linux } = build({ security: containerSecurity(context, node) });
  assert.equal(process.capabilities.bounding.length, 41);
  assert.deepEqual([linux.maskedPaths, linux.readonlyPaths, linux.seccomp], [[], [], undefined]);
});

test("what is asked for is there", () => {
  const context = securityContext({
    readonlyRootfs: true,
    noNewPrivs: true,
    seccomp: { profileType: SecurityProfileProfileType.RuntimeDefault, localhostRef: "" },
  });
  const spec = build({
    security: containerSecurity(context, node),
    rootfsPropagation: "rshared",
    oomScoreAdj: 500,
    config: containerConfig({ command: ["sh"], tty: true, annotations: { a: "b" } }),
  });
  assert.equal(spec.root.readonly, true);
  assert.equal(spec.process.noNewPrivileges, true);
  assert.equal(spec.process.terminal, true);
  assert.equal(spec.process.oomScoreAdj, 500);
  assert.equal(spec.linux.seccomp?.defaultAction, "SCMP_ACT_ERRNO");
  assert.equal(spec.linux.rootfsPropagation, "rshared");
  assert.deepEqual(spec.annotations, { a: "b" });
});

test("the seccomp default knows what was granted", () => {
  const context = securityContext({
    capabilities: { addCapabilities: ["SYS_ADMIN"], dropCapabilities: [], addAmbientCapabilities: [] },
    seccomp: { profileType: SecurityProfileProfileType.RuntimeDefault, localhostRef: "" },
  });
  const { seccomp } = containerSecurity(context, node);
  assert.ok(seccomp?.syscalls?.some(({ names }) => names.includes("sethostname")));
});

const layer = mkdtempSync(join(tmpdir(), "lichen-user-"));
after(() => rmSync(layer, { recursive: true }));
mkdirSync(join(layer, "etc"));
writeFileSync(join(layer, "etc/passwd"), "app:x:1000:1000::/:\n");
const image = { id: "i", ref: "r", lower: [layer], config: { User: "app" } };
const root = { ...image, config: {} };
type Extents = [number, number, number][];
const ranges: Extents = [
  [0, 1500, 1],
  [1, 100_000, 65_536],
];
const wide = { single: false, uids: ranges, gids: ranges };
const single = { single: true, uids: ranges.slice(0, 1), gids: ranges.slice(0, 1) };

test("the user is read from the image's own files", () => {
  assert.deepEqual(containerUser(null, image, wide), { uid: 1000, gid: 1000, additionalGids: [1000] });
  const context = securityContext({ runAsUser: { value: 7 } });
  assert.equal(containerUser(context, image, wide).uid, 7);
});

test("ids that the node's user namespace does not have are refused, of users and of groups", () => {
  const asking = (fields: Parameters<typeof securityContext>[0]) => () =>
    containerUser(securityContext(fields), root, wide);
  asking({ runAsUser: { value: 65_536 } })();
  assert.throws(asking({ runAsUser: { value: 65_537 } }), refused("FAILED_PRECONDITION"));
  assert.throws(asking({ supplementalGroups: [1_000_000] }), refused("FAILED_PRECONDITION"));
});

test("where only one id is mapped, only root can be had, without groups", () => {
  assert.throws(() => containerUser(null, image, single), refused("FAILED_PRECONDITION"));
  assert.deepEqual(containerUser(null, root, single), { uid: 0, gid: 0, additionalGids: [] });
  const context = securityContext({ supplementalGroups: [5] });
  assert.throws(() => containerUser(context, root, single), refused("FAILED_PRECONDITION"));
});
