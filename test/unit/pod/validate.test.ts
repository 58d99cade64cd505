import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type ContainerConfig, NamespaceMode, type PodSandboxConfig, type PortMapping } from "#cri";
import { type Code, LichenError } from "../../../src/errors.ts";
import { checkContainer, prepareLog } from "../../../src/pod/container/validate.ts";
import { checkPod } from "../../../src/pod/sandbox/validate.ts";
import { containerConfig, mount, podConfig, podRecord, podWith } from "./records.ts";

const directory = mkdtempSync(join(tmpdir(), "lichen-validate-"));
after(() => rmSync(directory, { recursive: true }));
const refused =
  (code: Code, text = /./) =>
  (error: unknown) =>
    error instanceof LichenError && error.code === code && text.test(error.message);

test("a pod is named by namespace, name, uid and attempt", () => {
  assert.equal(checkPod(podConfig(), "").name, "default/web/u/0");
});

test("a pod needs a name, a host name that is one, and a handler that exists", () => {
  assert.throws(() => checkPod(podConfig({ metadata: null }), ""), refused("INVALID_ARGUMENT", /metadata/));
  for (const hostname of ["-a", "a_b", "a b", "x".repeat(65), "a\n", "a."]) {
    assert.throws(
      () => checkPod(podConfig({ hostname }), ""),
      refused("INVALID_ARGUMENT", /hostname/),
      hostname,
    );
  }
  assert.throws(() => checkPod(podConfig(), "runsc"), refused("INVALID_ARGUMENT", /runtime_handler runsc/));
  assert.throws(() => checkPod(podConfig({ logDirectory: "logs" }), ""), refused("INVALID_ARGUMENT"));
});

test("on the node's network the host name is the node's", () => {
  const pod = podWith({ network: NamespaceMode.NODE });
  assert.equal(checkPod({ ...pod, hostname: "mine" }, "").hostname, "");
  assert.equal(checkPod(podConfig({ hostname: "mine" }), "").hostname, "mine");
});

test("host ports are those of pods with a network of their own", () => {
  const port: PortMapping = { protocol: 0, containerPort: 80, hostPort: 8080, hostIp: "" };
  const portMappings = [port];
  assert.equal(checkPod(podConfig({ portMappings }), "").hostPorts.length, 1);
  assert.deepEqual(checkPod({ ...podWith({ network: NamespaceMode.NODE }), portMappings }, "").hostPorts, []);
  const sctp = [{ ...port, protocol: 2 as const }];
  assert.throws(() => checkPod(podConfig({ portMappings: sctp }), ""), refused("UNIMPLEMENTED", /8080/));
});

test("sysctls are those of namespaces that are the pod's own", () => {
  const sysctls = { "net/ipv4/ip_unprivileged_port_start": "0", "kernel.shm_rmid_forced": "1" };
  assert.deepEqual(checkPod(podWith({}, sysctls), "").sysctls, {
    "net.ipv4.ip_unprivileged_port_start": "0",
    "kernel.shm_rmid_forced": "1",
  });
  const node = NamespaceMode.NODE;
  assert.throws(
    () => checkPod(podWith({ network: node }, { "net.core.somaxconn": "9" }), ""),
    refused("INVALID_ARGUMENT", /network namespace/),
  );
  assert.throws(
    () => checkPod(podWith({ ipc: node }, { "fs.mqueue.msg_max": "9" }), ""),
    refused("INVALID_ARGUMENT", /ipc namespace/),
  );
  for (const name of [
    "../../etc/passwd",
    "kernel",
    "",
    "a..b",
    "vm.swappiness",
    "kernel.hostname",
    "kernel.semx",
  ]) {
    assert.throws(() => checkPod(podWith({}, { [name]: "1" }), ""), refused("INVALID_ARGUMENT"), name);
  }
});

test("user namespaces: one mapping each, of id 0, in namespaces of the pod's own", () => {
  const mapping = { containerId: 0, hostId: 1000, length: 65536 };
  const asking = (mode: NamespaceMode, uids = [mapping], gids = uids) =>
    podWith({ usernsOptions: { mode, uids, gids } });
  checkPod(asking(NamespaceMode.NODE, []), "");
  for (const mode of [NamespaceMode.CONTAINER, NamespaceMode.TARGET]) {
    assert.throws(() => checkPod(asking(mode), ""), refused("INVALID_ARGUMENT"));
  }
  const wrong = [[mapping, mapping], [], [{ ...mapping, containerId: 1 }], [{ ...mapping, length: 0 }]];
  for (const uids of wrong) {
    assert.throws(() => checkPod(asking(NamespaceMode.POD, uids), ""), refused("INVALID_ARGUMENT"));
    assert.throws(
      () => checkPod(asking(NamespaceMode.POD, [mapping], uids), ""),
      refused("INVALID_ARGUMENT"),
    );
  }
  assert.throws(() => checkPod(asking(NamespaceMode.NODE), ""), refused("INVALID_ARGUMENT"));
  const map = { uids: [[0, 1000, 65536]], gids: [[0, 1000, 65536]] };
  assert.deepEqual(checkPod(asking(NamespaceMode.POD), "").idMap, map);
  assert.equal(checkPod(asking(NamespaceMode.NODE, []), "").idMap, undefined);
  for (const namespace of ["network", "pid", "ipc"]) {
    const pod = asking(NamespaceMode.POD);
    Object.assign(pod.linux?.securityContext?.namespaceOptions ?? {}, { [namespace]: NamespaceMode.NODE });
    assert.throws(
      () => checkPod(pod, ""),
      refused("INVALID_ARGUMENT", new RegExp(`node's ${namespace} namespace`)),
    );
  }
});

test("SELinux labels of a pod are refused", () => {
  const pod = podWith({});
  pod.linux!.securityContext!.selinuxOptions = { user: "", role: "", type: "spc_t", level: "" };
  assert.throws(() => checkPod(pod, ""), refused("FAILED_PRECONDITION", /spc_t/));
});

test("a container needs a ready pod and a name", () => {
  assert.equal(checkContainer(podRecord({ id: "p" }), containerConfig()), "p/c/0");
  const stopped = podRecord({ state: "notready", reason: "its monitor died" });
  assert.throws(
    () => checkContainer(stopped, containerConfig()),
    refused("FAILED_PRECONDITION", /its monitor died/),
  );
  assert.throws(
    () => checkContainer(podRecord(), containerConfig({ metadata: null })),
    refused("INVALID_ARGUMENT"),
  );
});

test("a privileged container needs a pod that was made for such", () => {
  const linux = { resources: null, securityContext: { privileged: true } } as ContainerConfig["linux"];
  assert.throws(
    () => checkContainer(podRecord(), containerConfig({ linux })),
    refused("FAILED_PRECONDITION", /not made for privileged/),
  );
  const pod = podWith({});
  pod.linux!.securityContext!.privileged = true;
  assert.equal(checkContainer(podRecord({ id: "p", config: pod }), containerConfig({ linux })), "p/c/0");
});

test("a configuration for Windows is refused, of pods and of containers", () => {
  const windows = { securityContext: null } as PodSandboxConfig["windows"];
  assert.throws(() => checkPod(podConfig({ windows }), ""), refused("INVALID_ARGUMENT", /windows/));
  const config = containerConfig({ windows: { resources: null, securityContext: null } });
  assert.throws(() => checkContainer(podRecord(), config), refused("INVALID_ARGUMENT", /windows/));
});

test("CDI devices are not silently left out", () => {
  const config = containerConfig({ CDIDevices: [{ name: "vendor.com/gpu=0" }] });
  assert.throws(() => checkContainer(podRecord(), config), refused("UNIMPLEMENTED", /vendor\.com/));
});

test("mounts that are wrong or not built are refused before anything is made", () => {
  const check = (...mounts: Parameters<typeof mount>[0][]) =>
    checkContainer(podRecord(), containerConfig({ mounts: mounts.map(mount) }));
  check({});
  assert.throws(() => check({ containerPath: "" }), refused("INVALID_ARGUMENT"));
  assert.throws(() => check({ containerPath: "/x/.." }), refused("INVALID_ARGUMENT", /root/));
  assert.throws(() => check({ hostPath: "relative" }), refused("INVALID_ARGUMENT", /relative/));
  assert.throws(() => check({}, { containerPath: "/mnt/" }), refused("INVALID_ARGUMENT", /two mounts/));
  const image = {
    image: "busybox",
    annotations: {},
    userSpecifiedImage: "",
    runtimeHandler: "",
    imageRef: "",
  };
  check({ image, hostPath: "" });
  assert.throws(() => check({ image, hostPath: "/data" }), refused("INVALID_ARGUMENT", /beside an image/));
  check({ mountOptions: ["noexec", "nosuid"] });
  assert.throws(
    () => check({ mountOptions: ["noexec", "rw"] }),
    refused("INVALID_ARGUMENT", /rw is not one of/),
  );
});

test("recursive read-only needs read-only and private propagation", () => {
  const check = (fields: Parameters<typeof mount>[0]) =>
    checkContainer(podRecord(), containerConfig({ mounts: [mount({ recursiveReadOnly: true, ...fields })] }));
  check({ readonly: true });
  assert.throws(() => check({ readonly: false }), refused("INVALID_ARGUMENT"));
  for (const propagation of [1, 2] as const) {
    assert.throws(() => check({ readonly: true, propagation }), refused("INVALID_ARGUMENT"));
  }
});

test("the log lies in the pod's log directory, which is made", () => {
  const logDirectory = join(directory, "pod-logs");
  const log = prepareLog(containerConfig({ logPath: "web/0.log" }), podConfig({ logDirectory }));
  assert.equal(log, join(logDirectory, "web/0.log"));
  assert.ok(statSync(join(logDirectory, "web")).isDirectory());
});

test("without a directory or a path there is no log", () => {
  assert.equal(prepareLog(containerConfig({ logPath: "0.log" }), podConfig()), "");
  assert.equal(prepareLog(containerConfig(), podConfig({ logDirectory: directory })), "");
});

test("a log path that leads out of the directory is refused, and one that cannot be made is a failure", () => {
  const logs = podConfig({ logDirectory: join(directory, "inner") });
  for (const logPath of ["../0.log", "a/../../0.log", "."]) {
    assert.throws(() => prepareLog(containerConfig({ logPath }), logs), refused("INVALID_ARGUMENT"), logPath);
  }
  writeFileSync(join(directory, "file"), "");
  assert.throws(
    () =>
      prepareLog(
        containerConfig({ logPath: "0.log" }),
        podConfig({ logDirectory: join(directory, "file/x") }),
      ),
    refused("FAILED_PRECONDITION", /make log directory/),
  );
});
