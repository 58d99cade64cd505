// SELinux labels, with a policy (machine/selinux.cil) that keeps containers to what is labelled for them, and enforces it.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { NamespaceMode, type Outgoing, type SELinuxOption } from "#cri";
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
import { pidOf, shell } from "../support.ts";

const [invalidArgument, failedPrecondition] = [3, 9];
const own = "system_u:system_r:base_t:s0";

let node: LichenNode;
let image: string;
let pod: TestPod;
let volume: string;

before(async () => {
  node = await startNode();
  image = await pullBusybox(node);
  pod = await runPod(node, "labelled");
  volume = mkdtempSync(join(homedir(), "volume-"));
});
after(async () => {
  await node?.stop();
  rmSync(volume, { recursive: true, force: true });
});

const label = (type: string, level = "", user = "", role = ""): SELinuxOption => ({
  user,
  role,
  type,
  level,
});
const labelled = (selinuxOptions: Outgoing<SELinuxOption>) => ({
  linux: { securityContext: { selinuxOptions } },
});
const waiting = (name: string, options: Outgoing<SELinuxOption>, mounts: object[] = [], on = pod) =>
  runContainer(node, on, image, name, "exec sleep 100000", { ...labelled(options), mounts });

/** Runs a shell command line in a container, and gives what it wrote, or that it failed. */
async function inside(containerId: string, line: string): Promise<string> {
  const cmd = ["sh", "-c", line];
  const { stdout, exitCode } = await node.client.execSync({ containerId, cmd, timeout: 120 });
  return exitCode === 0 ? Buffer.from(stdout).toString().replaceAll("\0", "").trim() : "failed";
}

/** The context of a container's first process, as the kernel has it; and of an exec; and as its verbose status says. */
async function contexts(containerId: string) {
  const first = readFileSync(`/proc/${await pidOf(node, containerId)}/attr/current`, "utf8");
  const { info } = await node.client.containerStatus({ containerId, verbose: true });
  return [
    first.replace(/[\0\n]+$/, ""),
    await inside(containerId, "cat /proc/self/attr/current"),
    JSON.parse(info.info ?? "{}").selinux.context,
  ];
}

const thrice = (context: string) => [context, context, context];
const contextOnDisk = async (path: string) => (await shell(`stat -L -c %C ${path}`)).trim();

test("the machine enforces, and lichen says so", async () => {
  const status = await node.client.status({ verbose: true });
  const { selinux } = JSON.parse(status.info.confinement ?? "{}");
  assert.deepEqual(selinux, { active: true, enforcing: true, context: own });
  const doctor = JSON.parse((await node.lichen("--output", "json", "doctor")).stdout) as {
    what: string;
    ok: boolean;
    detail: string;
  }[];
  const row = doctor.find(({ what }) => what === "selinux");
  assert.equal(row?.ok, true);
  assert.match(row?.detail ?? "", new RegExp(`${own}.*enforcing`));
});

test("without a label a container has lichen's own context", async () => {
  assert.deepEqual(await contexts(await waiting("plain", label(""))), thrice(own));
});

test("each part is what was asked for, and lichen's own where nothing was", async () => {
  for (const [options, context] of [
    [label("container_t", "s0:c1,c2"), "system_u:system_r:container_t:s0:c1,c2"],
    [label("container_t"), "system_u:system_r:container_t:s0"],
    [label("", "s0:c0.c3"), "system_u:system_r:base_t:s0:c0.c3"],
    [
      label("container_t", "s0-s0:c3", "container_u", "container_r"),
      "container_u:container_r:container_t:s0-s0:c3",
    ],
  ] as const) {
    const name = context.replaceAll(/[^a-z0-9]/g, "-");
    assert.deepEqual(await contexts(await waiting(name, options)), thrice(context));
  }
});

test("a pod's label is that of its containers which ask for none", async () => {
  const other = await runPod(node, "of-the-pod", labelled(label("container_t", "s0:c1")));
  const inherited = await runContainer(node, other, image, "inherited", "exec sleep 100000");
  assert.deepEqual(await contexts(inherited), thrice("system_u:system_r:container_t:s0:c1"));
  const different = await waiting("different", label("container_t", "s0:c2"), [], other);
  assert.deepEqual(await contexts(different), thrice("system_u:system_r:container_t:s0:c2"));
});

test("in the pod's own user namespace, and when privileged, as well", async () => {
  const ids = [{ hostId: 131_072, containerId: 0, length: 65_536 }];
  const namespaceOptions = { usernsOptions: { mode: NamespaceMode.POD, uids: ids, gids: ids } };
  const selinuxOptions = label("container_t", "s0:c1");
  const nested = { linux: { securityContext: { namespaceOptions, selinuxOptions } } };
  const nestedPod = await runPod(node, "nested", nested);
  const id = await runContainer(node, nestedPod, image, "nested", "exec sleep 100000", nested);
  assert.deepEqual(await contexts(id), thrice("system_u:system_r:container_t:s0:c1"));
  assert.equal(await inside(id, "echo x >/dev/shm/x && echo y >/y && cat /dev/shm/x /y"), "x\ny");
  const privileged = { linux: { securityContext: { privileged: true, selinuxOptions } } };
  const free = await runPod(node, "free", privileged);
  const all = await runContainer(node, free, image, "all", "exec sleep 100000", privileged);
  assert.deepEqual(await contexts(all), thrice("system_u:system_r:container_t:s0:c1"));
});

test("the container's own files have its label, and it can work with them", async () => {
  const id = await waiting("files", label("container_t", "s0:c1,c2"));
  const script = [
    "set -e",
    "for place in /x /tmp/x /dev/shm/x /root/x; do mkdir -p $(dirname $place); echo x >$place; cat $place >/dev/null; done",
    "mkdir /d && mv /x /d && rm -r /d",
    "cat /etc/hosts /etc/hostname /etc/resolv.conf >/dev/null",
    "ls / | sort | grep -q bin",
  ].join("\n");
  assert.notEqual(await inside(id, script), "failed");
  const root = `/proc/${await pidOf(node, id)}/root`;
  for (const path of ["", "/bin", "/tmp/x", "/dev", "/dev/shm", "/dev/shm/x", "/etc/hosts"])
    assert.equal(await contextOnDisk(`${root}${path}`), "system_u:object_r:container_file_t:s0:c1,c2", path);
});

test("what is not labelled for containers is out of their reach, until it is relabelled", async (t) => {
  const folder = join(volume, "folder");
  mkdirSync(join(folder, "deep"), { recursive: true });
  for (const name of ["file", "deep/file"]) writeFileSync(join(folder, name), "kept\n");
  writeFileSync(join(volume, "outside"), "");
  symlinkSync("../outside", join(folder, "link"));
  const mount = (selinuxRelabel: boolean) => [{ hostPath: folder, containerPath: "/volume", selinuxRelabel }];
  const reach = "cat /volume/file /volume/deep/file && echo new >/volume/new && cat /volume/new";

  const unlabelled = await waiting("unlabelled", label("container_t", "s0:c1"), mount(false));
  assert.equal(await inside(unlabelled, reach), "failed");
  const unasked = await waiting("unasked", label(""), mount(true));
  assert.notEqual(await inside(unasked, "cat /volume/file"), "failed");
  assert.match(
    await contextOnDisk(join(folder, "file")),
    /:base_t:/,
    "without a label of its own a container relabels nothing",
  );

  const mine = await waiting("mine", label("container_t", "s0:c1"), mount(true));
  assert.equal(await inside(mine, reach), "kept\nkept\nnew");
  for (const name of ["", "file", "deep", "deep/file", "new"])
    assert.equal(await contextOnDisk(join(folder, name)), "system_u:object_r:container_file_t:s0:c1", name);
  assert.match(await contextOnDisk(join(volume, "outside")), /:base_t:/, "a link is not followed");

  // Another container's category does not open it; its own relabelling would.
  const foreign = await waiting("foreign", label("container_t", "s0:c2"), mount(false));
  assert.equal(await inside(foreign, reach), "failed");
  t.after(() => rmSync(folder, { recursive: true }));
});

test("an image as a volume has the container's label", async () => {
  const mounts = [{ containerPath: "/image", image: { image }, readonly: true }];
  const id = await waiting("image-volume", label("container_t", "s0:c1"), mounts);
  assert.match(
    await inside(id, "ls /image/bin | head -1 && cat /image/bin/busybox >/dev/null && echo read"),
    /read$/,
  );
});

test("what may not be relabelled is refused with the reason, and nothing of the container is left", async () => {
  const count = async () => (await node.client.listContainers({})).containers.length;
  const before = await count();
  for (const [hostPath, why] of [
    ["/etc/hostname", /owner/],
    [homedir(), /other programs need/],
  ] as const) {
    const mounts = [{ hostPath, containerPath: "/volume", selinuxRelabel: true }];
    const config = { ...labelled(label("container_t")), mounts };
    await assert.rejects(createContainer(node, pod, image, "relabel", "true", config), {
      code: failedPrecondition,
      details: why,
    });
    assert.match(await contextOnDisk(hostPath), /:base_t:/);
  }
  assert.equal(await count(), before);
});

test("a label that cannot be is refused before anything is made, of a pod as of a container", async () => {
  const counts = async () => [
    (await node.client.listContainers({})).containers.length,
    (await node.client.listPodSandbox({})).items.length,
  ];
  const before = await counts();
  for (const [options, code, details] of [
    [label("no_such_t"), failedPrecondition, /no_such_t.*has no such context/],
    [label("container_t", "s0:c99"), failedPrecondition, /c99.*has no such context/],
    [label("container_t", "", "", "no_such_r"), failedPrecondition, /has no such context/],
    [label("forbidden_t"), failedPrecondition, /forbidden_t.*does not let/],
    [label("container_t:s0"), invalidArgument, /type/],
    [label("container_t", "s0 c1"), invalidArgument, /level/],
  ] as const) {
    await assert.rejects(createContainer(node, pod, image, "refused", "true", labelled(options)), {
      code,
      details,
    });
    await assert.rejects(runPod(node, "refused", labelled(options)), { code, details });
  }
  assert.deepEqual(await counts(), before);
});

test("a program that the policy does not let in is an error of the start, which names the label", async () => {
  const mounts = [{ hostPath: "/usr/bin/busybox", containerPath: "/entry/busybox", readonly: true }];
  const config = { ...labelled(label("container_t", "s0:c1")), mounts, command: ["/entry/busybox", "true"] };
  const id = await createContainer(node, pod, image, "entry", "", config);
  await assert.rejects(node.client.startContainer({ containerId: id }), {
    details: /container_t:s0:c1.*SELinux/,
  });
  const status = await containerStatus(node, id);
  assert.equal(status.exitCode, 126);
  assert.match(status.message, /container_t:s0:c1.*SELinux/);
  // The same program, without a label, runs.
  const free = await createContainer(node, pod, image, "free-entry", "", { ...config, linux: {} });
  await node.client.startContainer({ containerId: free });
  assert.equal((await exited(node, free)).exitCode, 0);
});

test("output and terminal work across the border", async () => {
  const id = await runContainer(
    node,
    pod,
    image,
    "output",
    "echo out; echo error >&2",
    labelled(label("container_t", "s0:c3")),
  );
  assert.equal((await exited(node, id)).exitCode, 0);
  const log = join(pod.config.logDirectory ?? "", "output.log");
  assert.deepEqual([logOf(log), logOf(log, "stderr")], ["out\n", "error\n"]);
  const tty = await runContainer(node, pod, image, "tty", "test -t 0 && echo x >/dev/tty", {
    ...labelled(label("container_t", "s0:c3")),
    tty: true,
    stdin: true,
  });
  assert.equal((await exited(node, tty)).exitCode, 0);
});
