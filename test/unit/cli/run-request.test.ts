import assert from "node:assert/strict";
import { test } from "node:test";
import { NamespaceMode, SecurityProfileProfileType } from "#cri";
import { containerConfig, podConfig, type RunRequest } from "../../../src/cli/run-request.ts";

const least: RunRequest = { image: "busybox", name: "one", command: [], env: [], volumes: [] };
const security = (request: Partial<RunRequest>) =>
  containerConfig({ ...least, ...request }).linux?.securityContext ?? {};
const resources = (request: Partial<RunRequest>) =>
  containerConfig({ ...least, ...request }).linux?.resources;

test("who asks for nothing has a pod of the container's name, confined, with limits of nobody", () => {
  const pod = podConfig(least, "uid");
  assert.deepEqual(pod.metadata, { name: "one", namespace: "default", uid: "uid", attempt: 0 });
  assert.equal(pod.hostname, "one");
  assert.deepEqual(pod.labels, { "io.lichen.run": "true" });
  assert.equal(pod.linux?.securityContext?.privileged, false);
  const container = containerConfig(least);
  assert.deepEqual(container.command, []);
  assert.equal(container.workingDir, "");
  assert.equal(resources({}), undefined);
  assert.equal(security({}).seccomp?.profileType, SecurityProfileProfileType.RuntimeDefault);
  assert.equal("runAsUser" in security({}), false);
});

test("a host name is what of the name one can have", () => {
  const hostname = (name: string) => podConfig({ ...least, name }, "u").hostname;
  assert.equal(hostname("my_app"), "my-app");
  assert.equal(hostname("Web.1"), "Web.1");
  assert.equal(hostname("trailing._-"), "trailing");
  assert.equal(hostname("x".repeat(100)), "x".repeat(64));
  assert.equal(hostname(`${"x".repeat(63)}_y`), "x".repeat(63));
  assert.equal(podConfig({ ...least, name: "my_app" }, "u").metadata?.name, "my_app");
});

test("a pod has its labels, its host name and the node's network when asked", () => {
  const pod = podConfig({ ...least, labels: { a: "b" }, hostname: "other", hostNetwork: true }, "u");
  assert.deepEqual(pod.labels, { a: "b", "io.lichen.run": "true" });
  assert.equal(pod.hostname, "other");
  assert.equal(pod.linux?.securityContext?.namespaceOptions?.network, NamespaceMode.NODE);
  assert.equal(security({ hostNetwork: true }).namespaceOptions?.network, NamespaceMode.NODE);
});

test("nobody takes the label by which run finds its own pods", () => {
  assert.equal(
    podConfig({ ...least, labels: { "io.lichen.run": "no" } }, "u").labels?.["io.lichen.run"],
    "true",
  );
});

test("a privileged container comes with a privileged pod", () => {
  const request = { ...least, privileged: true };
  assert.equal(podConfig(request, "u").linux?.securityContext?.privileged, true);
  assert.equal(security(request).privileged, true);
});

test("entry point and command replace each its own", () => {
  const { command, args } = containerConfig({ ...least, entrypoint: "sh", command: ["-c", "id"] });
  assert.deepEqual([command, args], [["sh"], ["-c", "id"]]);
});

test("users by number and by name, with a group or without", () => {
  assert.deepEqual(security({ user: { uid: 0 } }).runAsUser, { value: 0 });
  assert.equal(security({ user: { uid: 7 } }).runAsUsername, "");
  const named = security({ user: { name: "www", gid: 8 } });
  assert.equal(named.runAsUsername, "www");
  assert.deepEqual(named.runAsGroup, { value: 8 });
  assert.equal("runAsUser" in named, false);
});

test("capabilities, a read-only root, no seccomp", () => {
  const asked = security({ capAdd: ["NET_ADMIN"], capDrop: ["ALL"], readOnly: true, unconfined: true });
  assert.deepEqual(asked.capabilities, { addCapabilities: ["NET_ADMIN"], dropCapabilities: ["ALL"] });
  assert.equal(asked.readonlyRootfs, true);
  assert.equal(asked.seccomp?.profileType, SecurityProfileProfileType.Unconfined);
});

test("each limit is told alone", () => {
  assert.deepEqual(resources({ memory: 1024 }), { memoryLimitInBytes: 1024 });
  assert.deepEqual(resources({ cpus: 1.5 }), { cpuPeriod: 100_000, cpuQuota: 150_000 });
  assert.deepEqual(resources({ pidsLimit: 9 }), { unified: { "pids.max": "9" } });
});
