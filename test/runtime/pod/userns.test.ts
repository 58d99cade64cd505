import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type ContainerConfig, NamespaceMode, type Outgoing, type PodSandboxConfig } from "#cri";
import { type LichenNode, startNode } from "../../support/node.ts";
import {
  containerStatus,
  createContainer,
  exited,
  logOf,
  pullBusybox,
  runContainer,
  runPod,
  type TestPod,
} from "../../support/pods.ts";

// Pods with a user namespace of their own: ids of the node's above those that it uses itself.

const length = 65_536;
let node: LichenNode;
let image: string;
let skip = "";
before(async () => {
  node = await startNode();
  const { runtimeHandlers, status } = await node.client.status({});
  if (runtimeHandlers[0]?.features?.userNamespaces !== true) {
    const [why] = (status?.conditions ?? []).filter(({ type }) => type === "PodUserNamespaces");
    skip = why?.message ?? "no reason given";
  }
  image = await pullBusybox(node);
});
after(() => node.stop());

const mapping = (hostId: number) => [{ containerId: 0, hostId, length }];
const userns = (hostId: number) => ({
  mode: NamespaceMode.POD,
  uids: mapping(hostId),
  gids: mapping(hostId),
});

function pod(
  name: string,
  hostId: number,
  more: Outgoing<PodSandboxConfig> = {},
  pid: NamespaceMode = NamespaceMode.POD,
) {
  const namespaceOptions = { usernsOptions: userns(hostId), pid };
  return runPod(node, name, {
    ...more,
    linux: { ...more.linux, securityContext: { namespaceOptions, privileged: true } },
  });
}

const container = (of: TestPod, script: string, more: Outgoing<ContainerConfig> = {}) =>
  runContainer(node, of, image, `c${++containers}`, script, more);
let containers = 0;

async function sh(containerId: string, script: string): Promise<string> {
  const { stdout, stderr } = await node.client.execSync({
    containerId,
    cmd: ["sh", "-c", script],
    timeout: 20,
  });
  return Buffer.concat([stdout, stderr]).toString().trim();
}

async function output(of: TestPod, script: string, more: Outgoing<ContainerConfig> = {}): Promise<string> {
  const id = await container(of, script, more);
  await exited(node, id);
  return logOf(join(of.config.logDirectory as string, `c${containers}.log`)).trim();
}

test("root of the pod is another on the node, for the first process and for an exec", async (t) => {
  if (skip) return t.skip(skip);
  const own = await pod("own", length);
  const id = await container(own, "exec sleep 1000");
  const map = (await sh(id, "cat /proc/self/uid_map /proc/self/gid_map")).split("\n");
  const words = map.map((line) => line.trim().split(/\s+/));
  assert.deepEqual(words, [
    ["0", String(length), String(length)],
    ["0", String(length), String(length)],
  ]);
  assert.equal(await sh(id, "id -u; id -g; id -G"), "0\n0\n0");
  const { info } = await node.client.containerStatus({ containerId: id, verbose: true });
  const { pid, runtimeSpec } = JSON.parse(info.info ?? "{}");
  assert.equal(readFileSync(`/proc/${pid}/uid_map`, "utf8").trim().split(/\s+/)[2], String(length));
  assert.notEqual(statSync(`/proc/${pid}`).uid, process.getuid?.());
  assert.deepEqual(runtimeSpec.linux.uidMappings, [{ containerID: 0, hostID: length, size: length }]);
  const ns = (name: string) => `readlink /proc/self/ns/${name}`;
  const other = await container(own, "exec sleep 1000");
  for (const name of ["user", "net", "ipc", "uts"]) {
    assert.equal(await sh(id, ns(name)), await sh(other, ns(name)), `${name}: one for the pod`);
  }
});

test("the image's files have their owners, and root may change them", async (t) => {
  if (skip) return t.skip(skip);
  const id = await container(await pod("files", length), "exec sleep 1000");
  assert.equal(
    await sh(id, "stat -c '%u:%g' / /bin /etc/passwd /tmp /dev /dev/shm /etc/hosts"),
    "0:0\n".repeat(7).trim(),
  );
  assert.equal(await sh(id, "chown 1:2 /etc/passwd && stat -c %u:%g /etc/passwd"), "1:2");
  assert.equal(await sh(id, "touch /new /dev/shm/x && stat -c %u /new /dev/shm/x"), "0\n0");
  assert.equal(await sh(id, "find / -xdev -user 65534 | grep -vE '^/(proc|sys)$'"), "");
});

test("a user of the image's writes to its output, and reads a terminal", async (t) => {
  if (skip) return t.skip(skip);
  const own = await pod("user", length);
  const linux = { securityContext: { runAsUser: { value: 1000 }, runAsGroup: { value: 1001 } } };
  assert.equal(await output(own, "id -u; echo again > /dev/stdout", { linux }), "1000\nagain");
  assert.match(await output(own, "tty; stat -c %u $(tty)", { linux, tty: true }), /\/dev\/pts\/0\s+1000/);
  const { stdout } = await node.client.execSync({
    containerId: await container(own, "exec sleep 1000", { linux }),
    cmd: ["sh", "-c", "id -u; echo again > /dev/stdout"],
    timeout: 10,
  });
  assert.equal(Buffer.from(stdout).toString(), "1000\nagain\n");
});

test("root of the pod has power over its namespaces, and none over the node's", async (t) => {
  if (skip) return t.skip(skip);
  const sysctls = {
    "net.ipv4.ip_unprivileged_port_start": "0",
    "kernel.shm_rmid_forced": "1",
    "fs.mqueue.msg_max": "20",
  };
  const own = await pod("power", length, { linux: { sysctls } });
  const id = await container(own, "exec sleep 1000", { linux: { securityContext: { privileged: true } } });
  const files = ["net/ipv4/ip_unprivileged_port_start", "kernel/shm_rmid_forced", "fs/mqueue/msg_max"];
  assert.equal(await sh(id, `cd /proc/sys; cat ${files.join(" ")}`), "0\n1\n20");
  assert.equal(await sh(id, "ip link add b0 type bridge && ip link | grep -c b0:"), "1");
  assert.equal(await sh(id, "hostname other && hostname"), "other");
  assert.equal(await sh(id, "mkdir /m && mount -t tmpfs t /m && umount /m && echo ok"), "ok");
  assert.match(await sh(id, "echo 1 > /proc/sys/vm/swappiness"), /denied|not permitted/i);
  const gateway = await sh(id, "ip route | grep default | cut -d' ' -f3");
  assert.match(await sh(id, `ping -c1 -W5 ${gateway}`), /1 packets received/);
});

test("process namespaces: of the container, of the pod, and of a target", async (t) => {
  if (skip) return t.skip(skip);
  const apart = await pod("apart", length, {}, NamespaceMode.CONTAINER);
  const alone = await container(apart, "exec sleep 1000");
  assert.equal(await sh(alone, "cat /proc/1/comm"), "sleep");
  const options = { pid: NamespaceMode.TARGET, targetId: alone };
  const target = await container(apart, "exec sleep 1001", {
    linux: { securityContext: { namespaceOptions: options } },
  });
  assert.equal(await sh(target, "cat /proc/1/comm"), "sleep");
  const together = await pod("together", length);
  const one = await container(together, "exec sleep 1000");
  await container(together, "exec sleep 1001");
  assert.equal(await sh(one, "cat /proc/[0-9]*/comm | grep -c sleep"), "2");
});

test("layers are shifted once for a map, kept while they are used, and gone with the image", async (t) => {
  if (skip) return t.skip(skip);
  const shifted = join(node.dataDir, "shifted");
  const layers = (name: string) => readdirSync(join(shifted, name)).filter((entry) => entry !== "users");
  const second = await pod("second", 2 * length);
  const id = await container(second, "exec sleep 1000");
  const name = `0-${2 * length}-${length}.0-${2 * length}-${length}`;
  const [layer] = layers(name);
  assert.ok(layer, `${readdirSync(shifted)}`);
  const { ino } = statSync(join(shifted, name, layer));
  await container(second, "exec sleep 1000");
  assert.equal(statSync(join(shifted, name, layer)).ino, ino, "made once");
  assert.deepEqual(readdirSync(join(shifted, name, "users")).length, 2);
  process.kill(node.daemonPid(), "SIGKILL");
  await node.ready();
  assert.equal(await sh(id, "echo alive"), "alive");
  assert.ok(layers(name).includes(layer));
  await node.client.removePodSandbox({ podSandboxId: second.id });
  assert.deepEqual(readdirSync(join(shifted, name, "users")), []);
});

test("what cannot be is refused before anything is made", async (t) => {
  if (skip) return t.skip(skip);
  const refused = (attempt: Promise<unknown>, reason: RegExp) => assert.rejects(attempt, reason);
  await refused(pod("beyond", 3_000_000), /FAILED_PRECONDITION.*3000000/s);
  const own = await pod("refusals", length);
  const asking = (more: Outgoing<ContainerConfig>) =>
    createContainer(node, own, image, `r${++containers}`, "true", more);
  const user = (value: number) => ({ linux: { securityContext: { runAsUser: { value } } } });
  await refused(asking(user(length)), /FAILED_PRECONDITION.*pod's user namespace/s);
  const options = { usernsOptions: userns(2 * length), pid: NamespaceMode.POD };
  await refused(
    asking({ linux: { securityContext: { namespaceOptions: options } } }),
    /INVALID_ARGUMENT.*other user/s,
  );
  const hostPath = join(node.base, "volume");
  mkdirSync(hostPath, { recursive: true });
  const volume = { hostPath, containerPath: "/volume" };
  const foreign = { ...volume, uidMappings: mapping(5), gidMappings: mapping(5) };
  await refused(asking({ mounts: [foreign] }), /INVALID_ARGUMENT.*not those of the pod/s);
  const { containers: left } = await node.client.listContainers({ filter: { podSandboxId: own.id } });
  assert.deepEqual(left, []);
});

test("a volume's files keep the node's owners, or get the pod's where the file system can", async (t) => {
  if (skip) return t.skip(skip);
  const own = await pod("volumes", length);
  const disk = join(node.base, "disk");
  mkdirSync(disk, { recursive: true });
  writeFileSync(join(disk, "file"), "text");
  const plain = await container(own, "exec sleep 1000", {
    mounts: [{ hostPath: disk, containerPath: "/v" }],
  });
  assert.equal(await sh(plain, "cat /v/file; stat -c ' %u' /v/file"), "text 65534");
  const mapped = { uidMappings: mapping(length), gidMappings: mapping(length) };
  // A tmpfs that was made in the node's namespaces is the node's own, as a kubelet's volumes for secrets are.
  const tmpfs = join(node.base, "tmpfs");
  mkdirSync(tmpfs);
  const mount = `mount -t tmpfs t ${tmpfs} && echo secret > ${tmpfs}/file && chmod 600 ${tmpfs}/file`;
  const made = await node.lichen("enter", "--", "sh", "-c", mount);
  assert.equal(made.status, 0, made.stderr);
  const id = await container(own, "exec sleep 1000", {
    mounts: [{ hostPath: tmpfs, containerPath: "/v", ...mapped }],
  });
  assert.equal(await sh(id, "cat /v/file; stat -c %u /v/file"), "secret\n0");
  assert.equal(await sh(id, "touch /v/new && stat -c %u /v/new"), "0");
  const seen = await node.lichen("enter", "--", "stat", "-c", "%u", `${tmpfs}/new`);
  assert.equal(seen.stdout.trim(), "0", "on the node it is the node's root");
  await node.client.removePodSandbox({ podSandboxId: own.id });
  await node.lichen("enter", "--", "umount", tmpfs);
});

test("the status says whose ids it has", async (t) => {
  if (skip) return t.skip(skip);
  const own = await pod("status", length);
  const { status } = await node.client.podSandboxStatus({ podSandboxId: own.id });
  assert.deepEqual(status?.linux?.namespaces?.options?.usernsOptions, userns(length));
  const id = await container(own, "exec sleep 1000");
  assert.equal((await containerStatus(node, id)).user?.linux?.uid, 0);
  assert.ok(existsSync(join(node.dataDir, "containers", id, "upper")));
});

test("an image volume has the pod's owners, and only what was asked for of it", async (t) => {
  if (skip !== "") return t.skip(skip);
  const own = await pod("images", 131_072 * 2);
  const mount = { containerPath: "/volume", image: { image }, imageSubPath: "etc", readonly: true };
  const id = await container(own, "exec sleep 1000", { mounts: [mount] });
  assert.equal(await sh(id, "stat -c '%u %g' /volume/passwd"), "0 0");
  assert.match(await sh(id, "touch /volume/new"), /Read-only file system/i);
  assert.equal(await sh(id, "ls /volume | grep -c ^bin$"), "0");
  await node.client.removePodSandbox({ podSandboxId: own.id });
});
