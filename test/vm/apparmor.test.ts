// AppArmor profiles that an administrator has loaded, applied without any privilege.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  type LinuxContainerSecurityContext,
  NamespaceMode,
  type Outgoing,
  SecurityProfileProfileType as ProfileType,
} from "#cri";
import { dist, type LichenNode, startNode } from "../support/node.ts";
import {
  createContainer,
  exited,
  logOf,
  pullBusybox,
  runContainer,
  runPod,
  type TestPod,
} from "../support/pods.ts";
import { administrator, shell } from "./support.ts";

const failedPrecondition = 9;
const profile = "lichen-test-no-writes";
const policy = `abi <abi/4.0>,
profile ${profile} flags=(attach_disconnected,mediate_deleted) {
  file,
  capability,
  network,
  signal,
  ptrace,
  deny /tmp/** w,
}`;

let node: LichenNode;
let image: string;
let pod: TestPod;

before(async () => {
  await administrator(`apparmor_parser --replace --skip-cache <<'END'\n${policy}\nEND`);
  node = await startNode();
  image = await pullBusybox(node);
  pod = await runPod(node, "confined");
});
after(async () => {
  await node?.stop();
  await administrator(`apparmor_parser --remove <<'END'\n${policy}\nEND`);
});

const localhost = (localhostRef: string) => ({
  apparmor: { profileType: ProfileType.Localhost, localhostRef },
});
const confined = (securityContext: Outgoing<LinuxContainerSecurityContext>) => ({
  linux: { securityContext },
});

/** Runs a script to its end and gives its exit code. */
async function run(name: string, context: Outgoing<LinuxContainerSecurityContext>, script: string) {
  const id = await runContainer(node, pod, image, name, script, confined(context));
  return (await exited(node, id)).exitCode;
}

test("a loaded profile is enforced: what it denies fails, the rest works", async () => {
  assert.equal(await run("named", localhost(profile), "touch /root/ok && ! touch /tmp/denied"), 0);
  const label = `grep -q '^${profile} (enforce)$' /proc/self/attr/current`;
  assert.equal(await run("label", localhost(profile), label), 0);
});

test("the deprecated field and its prefix mean the same", async () => {
  assert.equal(await run("old", { apparmorProfile: `localhost/${profile}` }, "touch /tmp/denied"), 1);
  assert.equal(await run("prefix", localhost(`localhost/${profile}`), "touch /tmp/denied"), 1);
});

test("a privileged container has the profile that was named for it", async () => {
  const privileged = await runPod(node, "privileged", { linux: { securityContext: { privileged: true } } });
  const context = { ...localhost(profile), privileged: true };
  const id = await runContainer(node, privileged, image, "main", "touch /tmp/denied", confined(context));
  assert.equal((await exited(node, id)).exitCode, 1);
});

test("exec runs under the container's profile", async () => {
  const id = await runContainer(node, pod, image, "exec", "exec sleep 1000", confined(localhost(profile)));
  const cmd = ["touch", "/tmp/denied"];
  const { exitCode } = await node.client.execSync({ containerId: id, cmd, timeout: 60 });
  assert.equal(exitCode, 1);
});

const defaultProfile = join(dist, "apparmor.d/lichen-default");
const named = "lichen-default (enforce)";

/** How a container that waits is confined, as an exec finds it, and as verbose statuses and doctor say. */
async function confinement(id: string) {
  const { stdout } = await node.client.execSync({
    containerId: id,
    cmd: ["cat", "/proc/self/attr/current"],
    timeout: 60,
  });
  const { info } = await node.client.containerStatus({ containerId: id, verbose: true });
  const { appArmor } = JSON.parse(info.info ?? "{}") as { appArmor: { label: string; note?: string } };
  const status = await node.client.status({ verbose: true });
  const { loaded } = JSON.parse(status.info.confinement ?? "{}").appArmor as { loaded: boolean };
  const doctor = JSON.parse((await node.lichen("--output", "json", "doctor")).stdout) as {
    what: string;
    ok: boolean;
    mend: string;
  }[];
  return {
    exec: Buffer.from(stdout).toString().trim(),
    ...appArmor,
    loaded,
    doctor: doctor.find(({ what }) => what === "apparmor"),
  };
}

const requests: Outgoing<LinuxContainerSecurityContext>[] = [
  {},
  { apparmorProfile: "runtime/default" },
  { apparmor: { profileType: ProfileType.RuntimeDefault, localhostRef: "" } },
];
const waiting = (name: string, context: Outgoing<LinuxContainerSecurityContext>, on = pod) =>
  runContainer(node, on, image, name, "exec sleep 100000", confined(context));

test("the default is unconfined while nobody has loaded it, which is said; doctor's command loads it", async (t) => {
  for (const [index, context] of requests.entries())
    assert.equal(await run(`default-${index}`, context, "grep -q '^unconfined' /proc/self/attr/current"), 0);
  const early = await waiting("early", {});
  const before = await confinement(early);
  assert.deepEqual([before.label, before.exec, before.loaded], ["unconfined", "unconfined", false]);
  assert.match(before.note ?? "", /lichen-default is not loaded/);
  assert.equal(before.doctor?.ok, false);
  const mend = before.doctor?.mend ?? "";
  assert.match(mend, /^sudo /);

  await shell(mend);
  t.after(() =>
    administrator(`apparmor_parser --remove ${defaultProfile}; rm /etc/apparmor.d/lichen-default`),
  );
  for (const [index, context] of requests.entries()) {
    const id = await waiting(`later-${index}`, context);
    const now = await confinement(id);
    assert.deepEqual([now.label, now.exec, now.note, now.loaded], [named, named, undefined, true]);
    assert.deepEqual([now.doctor?.ok, now.doctor?.mend], [true, ""]);
  }
  const still = await confinement(early);
  assert.deepEqual(
    [still.label, still.exec],
    ["unconfined", "unconfined"],
    "an exec is confined as its container is",
  );
  // Removed, it leaves those that ran under it unconfined, and so are execs in them.
  const late = await waiting("late", {});
  await administrator(`apparmor_parser --remove ${defaultProfile}`);
  const bare = await confinement(late);
  assert.deepEqual([bare.label, bare.exec, bare.loaded], ["unconfined", "unconfined", false]);
  await administrator(`apparmor_parser --replace --skip-cache ${defaultProfile}`);
});

test("lichen-default lets containers work, and keeps them off the kernel's files, mounts and other processes", async (t) => {
  await administrator(`apparmor_parser --replace --skip-cache ${defaultProfile}`);
  t.after(() => administrator(`apparmor_parser --remove ${defaultProfile}`));
  // With every capability, nothing masked and nothing read-only: the profile is all that is left.
  const open = {
    capabilities: { addCapabilities: ["ALL"] },
    maskedPaths: ["/proc/nothing"],
    readonlyPaths: ["/proc/nothing"],
  };
  const fine = [
    "touch /tmp/file /dev/shm/file",
    "echo 100 >/proc/self/oom_score_adj",
    "sleep 1000 & kill $!",
    "nc -l -p 9000 </dev/null & sleep 1; echo hello | nc 127.0.0.1 9000; true",
    "ps | grep -q sleep",
    "mkdir -p /x && chown 1:1 /x && chmod 0700 /x && rm -r /x",
    "cat /proc/sys/kernel/ostype /sys/fs/cgroup/cgroup.controllers >/dev/null",
    "su -s /bin/true nobody 2>/dev/null || true",
  ];
  assert.equal(await run("fine", open, ["set -e", ...fine].join("\n")), 0);
  const denied = [
    "mount -t tmpfs none /mnt",
    "umount /dev/shm",
    "echo 1 >/proc/sys/net/ipv4/ip_forward",
    "echo 1 >/proc/sysrq-trigger",
    "mkdir /sys/fs/bpf/x",
    "echo x >/sys/kernel/mm/ksm/run",
    "cat /sys/kernel/security/apparmor/features/domain/version",
  ];
  const script = [
    "mkdir -p /mnt",
    ...denied.map((line) => `(${line}) 2>/dev/null && echo "${line}"`),
    "exit 0",
  ];
  const id = await runContainer(node, pod, image, "denied", script.join("\n"), confined(open));
  assert.equal((await exited(node, id)).exitCode, 0);
  assert.equal(logOf(join(pod.config.logDirectory ?? "", "denied.log")), "", "what was not denied");
  // The same without the profile: it is the profile that denied.
  const unconfined = { ...open, apparmor: { profileType: ProfileType.Unconfined, localhostRef: "" } };
  const free = await runContainer(node, pod, image, "free", script.join("\n"), confined(unconfined));
  assert.equal((await exited(node, free)).exitCode, 0);
  assert.match(logOf(join(pod.config.logDirectory ?? "", "free.log")), /mount -t tmpfs.*\n.*ip_forward/s);

  // Signals: from the daemon they come, to others than containers they do not go.
  const node_ = { namespaceOptions: { pid: NamespaceMode.NODE } };
  const wide = await runPod(node, "wide", { linux: { securityContext: node_ } });
  const other = (await shell("sleep 1000 >/dev/null 2>&1 & echo $!")).trim();
  const killer = await runContainer(
    node,
    wide,
    image,
    "killer",
    `kill ${other}`,
    confined({ ...open, ...node_ }),
  );
  assert.notEqual((await exited(node, killer)).exitCode, 0);
  process.kill(Number(other));
  const stopped = await waiting("stopped", {}, wide);
  await node.client.stopContainer({ containerId: stopped, timeout: 0 });
  assert.equal((await exited(node, stopped)).exitCode, 137);
});

test("by name lichen-default must be loaded; unconfined and privileged containers do without it", async (t) => {
  await assert.rejects(
    createContainer(node, pod, image, "by-name", "true", confined(localhost("lichen-default"))),
    { code: failedPrecondition, details: /lichen-default.*loaded/ },
  );
  await administrator(`apparmor_parser --replace --skip-cache ${defaultProfile}`);
  t.after(() => administrator(`apparmor_parser --remove ${defaultProfile}`));
  const own = await waiting("by-name-loaded", localhost("lichen-default"));
  assert.equal((await confinement(own)).label, named);
  const unconfined = { apparmor: { profileType: ProfileType.Unconfined, localhostRef: "" } };
  assert.equal((await confinement(await waiting("unconfined", unconfined))).label, "unconfined");
  const free = await runPod(node, "free", { linux: { securityContext: { privileged: true } } });
  const { label, note } = await confinement(await waiting("privileged", { privileged: true }, free));
  assert.deepEqual([label, note], ["unconfined", undefined]);
  // In the pod's own user namespace as well.
  const ids = [{ hostId: 131_072, containerId: 0, length: 65_536 }];
  const userns = { namespaceOptions: { usernsOptions: { mode: NamespaceMode.POD, uids: ids, gids: ids } } };
  const nested = await runPod(node, "nested", { linux: { securityContext: userns } });
  assert.equal((await confinement(await waiting("nested", userns, nested))).label, named);
});

test("a profile that is not loaded is refused by its name, and no container is left", async () => {
  const count = async () => (await node.client.listContainers({})).containers.length;
  const before = await count();
  await assert.rejects(
    createContainer(node, pod, image, "missing", "true", confined(localhost("lichen-not-loaded"))),
    { code: failedPrecondition, details: /AppArmor profile "?lichen-not-loaded"?.*loaded/ },
  );
  assert.equal(await count(), before);
});
