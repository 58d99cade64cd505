import assert from "node:assert/strict";
import { test } from "node:test";
import { NamespaceMode } from "#cri";
import { LichenError } from "../../../../src/errors.ts";
import { containerPid, podNamespaces } from "../../../../src/pod/spec/namespaces.ts";
import { namespaces, securityContext } from "../records.ts";

const { POD, CONTAINER, NODE, TARGET } = NamespaceMode;
const refused = (code: string) => (error: unknown) => error instanceof LichenError && error.code === code;
const own = { network: "pod", ipc: "pod", pid: "container" } as const;
const shared = { ...own, pid: "pod" } as const;

test("what is not said is POD, CRI's zero", () => {
  assert.deepEqual(podNamespaces(null), shared);
  assert.deepEqual(podNamespaces(namespaces()), shared);
});

test("every namespace may be the node's, and processes may be apart", () => {
  assert.deepEqual(podNamespaces(namespaces({ network: NODE, ipc: NODE, pid: NODE })), {
    network: "node",
    ipc: "node",
    pid: "node",
  });
  assert.deepEqual(podNamespaces(namespaces({ pid: CONTAINER })), own);
});

test("a mode that means nothing for a pod is refused", () => {
  for (const options of [{ network: CONTAINER }, { ipc: TARGET }, { pid: TARGET }]) {
    assert.throws(() => podNamespaces(namespaces(options)), refused("INVALID_ARGUMENT"));
  }
});

test("a container that says nothing is as its pod is", () => {
  assert.equal(containerPid(null, own).pid, "container");
  assert.equal(containerPid(securityContext(), shared).pid, "pod");
});

test("a container may always be apart, or join another", () => {
  const asking = (fields: Parameters<typeof namespaces>[0]) =>
    securityContext({ namespaceOptions: namespaces(fields) });
  assert.deepEqual(containerPid(asking({ pid: CONTAINER }), shared), { pid: "container", targetId: "" });
  assert.deepEqual(containerPid(asking({ pid: TARGET, targetId: "abc" }), own), {
    pid: "target",
    targetId: "abc",
  });
  assert.throws(() => containerPid(asking({ pid: TARGET }), own), refused("INVALID_ARGUMENT"));
});

test("it cannot have a namespace that its pod was made without", () => {
  const asking = (pid: NamespaceMode) => securityContext({ namespaceOptions: namespaces({ pid }) });
  assert.equal(containerPid(asking(POD), shared).pid, "pod");
  assert.throws(() => containerPid(asking(POD), own), refused("FAILED_PRECONDITION"));
  assert.throws(() => containerPid(asking(NODE), shared), refused("FAILED_PRECONDITION"));
});
