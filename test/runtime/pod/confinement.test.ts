import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  type LinuxContainerSecurityContext,
  NamespaceMode,
  type Outgoing,
  SecurityProfileProfileType,
} from "#cri";
import { selinuxContext } from "../../../src/native/security.ts";
import { type LichenNode, startNode } from "../../support/node.ts";
import { containerStatus, pullBusybox, runContainer, runPod, type TestPod } from "../../support/pods.ts";

// What a container's processes can see and do, seen from within.

let node: LichenNode;
let image: string;
let pod: TestPod;
let containers = 0;
before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
  // Processes of their own, so that a container's first one is number 1.
  const namespaceOptions = { pid: NamespaceMode.CONTAINER };
  pod = await runPod(node, "confined", {
    linux: { securityContext: { namespaceOptions, privileged: true } },
  });
});
after(() => node.stop());

/** Runs a container with this security context and answers what it says, in a shell's words. */
async function inside(securityContext: Outgoing<LinuxContainerSecurityContext>, in_ = pod) {
  const name = `c${++containers}`;
  const id = await runContainer(node, in_, image, name, "exec sleep 1000", { linux: { securityContext } });
  const sh = async (script: string) => {
    const { stdout, stderr, exitCode } = await node.client.execSync({
      containerId: id,
      cmd: ["sh", "-c", script],
      timeout: 20,
    });
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString().trim();
    return { stdout: text(stdout), stderr: text(stderr), exitCode };
  };
  const status = async (key: string) =>
    (await sh(`grep ^${key}: /proc/1/status /proc/self/status | cut -f2`)).stdout.split("\n");
  return { id, sh, status };
}

test("capabilities are the default fourteen, for the first process and for an exec", async () => {
  const { status } = await inside({});
  for (const set of ["CapBnd", "CapEff", "CapPrm"]) {
    assert.deepEqual(await status(set), ["00000000a80425fb", "00000000a80425fb"], set);
  }
  assert.deepEqual(await status("CapAmb"), ["0000000000000000", "0000000000000000"]);
});

test("capabilities are added, dropped, and inherited by a user who is not root", async () => {
  const dropped = await inside({ capabilities: { dropCapabilities: ["ALL"], addCapabilities: ["KILL"] } });
  assert.deepEqual(await dropped.status("CapBnd"), ["0000000000000020", "0000000000000020"]);
  const ambient = await inside({
    runAsUser: { value: 1000 },
    capabilities: { addAmbientCapabilities: ["NET_BIND_SERVICE"] },
  });
  assert.deepEqual(await ambient.status("CapEff"), ["0000000000000400", "0000000000000400"]);
  const plain = await inside({ runAsUser: { value: 1000 } });
  assert.deepEqual(await plain.status("CapEff"), ["0000000000000000", "0000000000000000"]);
});

test("user and groups are what was asked for, in the status as well", async () => {
  const { id, sh } = await inside({
    runAsUser: { value: 1234 },
    runAsGroup: { value: 4321 },
    supplementalGroups: [7, 8],
  });
  assert.equal((await sh("id -u; id -g; id -G")).stdout, "1234\n4321\n4321 7 8");
  const { user } = await containerStatus(node, id);
  assert.deepEqual(user?.linux, { uid: 1234, gid: 4321, supplementalGroups: [4321, 7, 8] });
});

test("seccomp: unconfined unless asked, filtered by default's rules, by a profile of the node, not when privileged", async () => {
  assert.deepEqual(await (await inside({})).status("Seccomp"), ["0", "0"]);

  const byDefault = await inside({
    seccomp: { profileType: SecurityProfileProfileType.RuntimeDefault, localhostRef: "" },
    capabilities: { addCapabilities: ["SYS_TIME"] },
  });
  assert.deepEqual(await byDefault.status("Seccomp"), ["2", "2"]);
  assert.notEqual((await byDefault.sh("unshare -r true")).exitCode, 0, "no new namespaces");
  assert.match(
    (await byDefault.sh("date; (sleep 0 & wait); ls / | wc -l")).stdout,
    /\d/,
    "ordinary programs run",
  );

  const path = join(node.base, "no-chmod.json");
  const rule = { names: ["chmod", "fchmodat", "fchmodat2"], action: "SCMP_ACT_ERRNO" };
  writeFileSync(path, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [rule] }));
  const seccomp = { profileType: SecurityProfileProfileType.Localhost, localhostRef: path };
  const { stderr, exitCode } = await (await inside({ seccomp })).sh("touch /tmp/f && chmod 600 /tmp/f");
  assert.notEqual(exitCode, 0);
  assert.match(stderr, /not permitted/);
  assert.deepEqual(await (await inside({ seccomp, privileged: true })).status("Seccomp"), ["0", "0"]);
});

test("no_new_privs is set when asked for", async () => {
  assert.deepEqual(await (await inside({ noNewPrivs: true })).status("NoNewPrivs"), ["1", "1"]);
  assert.deepEqual(await (await inside({})).status("NoNewPrivs"), ["0", "0"]);
});

test("kernel paths are hidden and read-only, unless privileged", async () => {
  const { sh } = await inside({});
  assert.equal((await sh("cat /proc/keys /proc/timer_list")).stdout, "", "masked files are empty");
  assert.equal(
    (await sh("ls -A /sys/firmware /proc/acpi 2>/dev/null | grep -v :")).stdout,
    "",
    "and directories",
  );
  for (const path of ["/proc/sys/kernel/hostname", "/sys/kernel/x", "/proc/sysrq-trigger"]) {
    assert.notEqual((await sh(`echo x > ${path}`)).exitCode, 0, path);
  }
  const privileged = await inside({ privileged: true });
  assert.equal((await privileged.sh("echo 1 > /proc/sys/net/ipv4/ip_forward")).exitCode, 0);
  assert.equal((await privileged.sh("mkdir /m && mount -t tmpfs none /m && umount /m")).exitCode, 0);
});

test("a privileged container's verbose status says what the kernel refuses it all the same, and it is so", async () => {
  const { id, sh } = await inside({ privileged: true });
  const { info } = await node.client.containerStatus({ containerId: id, verbose: true });
  const { privileged } = JSON.parse(info.info ?? "{}") as {
    privileged?: { note: string; refused: { what: string; code: string }[] };
  };
  assert.match(privileged?.note ?? "", /root of a user namespace/);
  const refused = new Map(privileged?.refused.map(({ what, code }) => [what, code]));
  for (const [what, command] of [
    ["device nodes (mknod)", "mknod /device c 1 3"],
    ["sysctls of the whole machine", "echo 0 >/proc/sys/kernel/panic"],
    ["the clock", "date -s 2030-01-01"],
    ["the kernel's log", "dmesg"],
  ] as const) {
    const { stderr } = await sh(command);
    // A kernel may show its log to all, or not.
    assert.equal(refused.has(what), /not permitted|denied/.test(stderr), `${what}: ${stderr}`);
    assert.ok(what === "the kernel's log" || refused.has(what), what);
  }
  for (const code of refused.values()) assert.match(code, /^(EPERM|EACCES)$/);

  const ordinary = await inside({});
  const answer = await node.client.containerStatus({ containerId: ordinary.id, verbose: true });
  assert.ok(!("privileged" in JSON.parse(answer.info.info ?? "{}")));
  const status = await node.client.status({ verbose: true });
  const confinement = JSON.parse(status.info.confinement ?? "{}");
  assert.deepEqual(confinement.privileged, privileged);
  assert.equal(confinement.appArmor.defaultProfile, "lichen-default");
});

test("without SELinux a label is refused with the reason, of a pod as of a container, and no volume is relabelled", async (t) => {
  const status = await node.client.status({ verbose: true });
  const { selinux } = JSON.parse(status.info.confinement ?? "{}");
  assert.equal(selinux.active, selinuxContext() !== "");
  if (selinux.active) return t.skip("SELinux is active here: test/vm/selinux has what holds then");
  const refusal = { code: 9, details: /apply SELinux label container_t:s0:c1: SELinux is not active/ };
  const selinuxOptions = { type: "container_t", level: "s0:c1" };
  await assert.rejects(inside({ selinuxOptions }), refusal);
  await assert.rejects(runPod(node, "labelled", { linux: { securityContext: { selinuxOptions } } }), refusal);
  const mounts = [{ hostPath: node.base, containerPath: "/volume", selinuxRelabel: true, readonly: true }];
  const id = await runContainer(node, pod, image, "relabel", "exec sleep 1000", { mounts });
  const { info } = await node.client.containerStatus({ containerId: id, verbose: true });
  assert.ok(!("selinux" in JSON.parse(info.info ?? "{}")));
});

test("paths of the request take the place of the defaults", async () => {
  const { sh } = await inside({ maskedPaths: ["/etc/passwd"], readonlyPaths: ["/tmp"] });
  assert.equal((await sh("cat /etc/passwd")).stdout, "");
  assert.match((await sh("touch /tmp/x")).stderr, /Read-only file system/);
});

test("a read-only root leaves volumes of the runtime writable", async () => {
  const { sh } = await inside({ readonlyRootfs: true });
  assert.match((await sh("touch /x")).stderr, /Read-only file system/);
  assert.match((await sh("echo >> /etc/hosts")).stderr, /Read-only file system/);
  assert.equal((await sh("touch /dev/shm/x")).exitCode, 0);
});

test("each container sees its own processes, or its pod's, or the node's", async () => {
  const own = await inside({ namespaceOptions: { pid: NamespaceMode.CONTAINER } });
  assert.equal((await own.sh("cat /proc/1/comm")).stdout, "sleep");
  const shared = await inside({}, await runPod(node, "shared-processes"));
  assert.notEqual((await shared.sh("cat /proc/1/comm")).stdout, "sleep");
  const target = await inside({ namespaceOptions: { pid: NamespaceMode.TARGET, targetId: own.id } });
  assert.equal(
    (await target.sh("readlink /proc/1/ns/pid")).stdout,
    (await own.sh("readlink /proc/1/ns/pid")).stdout,
  );

  const options = { pid: NamespaceMode.NODE, ipc: NamespaceMode.NODE, network: NamespaceMode.NODE };
  const nodePod = await runPod(node, "of-the-node", {
    linux: { securityContext: { namespaceOptions: options } },
  });
  const onNode = await inside({ namespaceOptions: options }, nodePod);
  assert.equal((await onNode.sh(`cat /proc/${process.pid}/comm`)).exitCode, 0, "the test itself is seen");
  assert.equal((await onNode.sh("hostname")).stdout, (await import("node:os")).hostname());
});

test("nothing of the node is mounted but what was asked for", async () => {
  const { sh } = await inside({});
  const points = (await sh("cut -d' ' -f5 /proc/self/mountinfo")).stdout.split("\n");
  const expected =
    /^\/(|proc(\/.*)?|dev(\/(pts|shm|mqueue|null|zero|full|random|urandom|tty|console))?|sys(\/.*)?|etc\/(hostname|hosts|resolv\.conf))$/;
  assert.deepEqual(
    points.filter((point) => !expected.test(point)),
    [],
  );
  const open = (await sh("ls /proc/self/fd")).stdout.split("\n");
  assert.ok(open.length <= 4, `descriptors leaked into an exec: ${open}`);
  assert.equal((await sh("ls /proc/1/fd | wc -l")).stdout, "3", "descriptors leaked into the first process");
});

test("a working directory that the image does not have is made, also beneath a read-only root", async () => {
  for (const readonlyRootfs of [false, true]) {
    const id = await runContainer(node, pod, image, `cwd-${readonlyRootfs}`, "exec sleep 1000", {
      workingDir: "/made/for/it",
      linux: { securityContext: { readonlyRootfs } },
    });
    const { stdout } = await node.client.execSync({ containerId: id, cmd: ["pwd"], timeout: 10 });
    assert.equal(Buffer.from(stdout).toString(), "/made/for/it\n");
  }
});
