import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { PodSandboxState } from "#cri";
import { type Held, leakFindings, look } from "../../../src/cli/leaks.ts";

const pod = (digit: string, state: PodSandboxState = PodSandboxState.SANDBOX_READY) => ({
  id: digit.repeat(64),
  state,
});
const nothing: Held = {
  podDirectories: [],
  containerDirectories: [],
  cgroups: [],
  monitors: [],
  mounts: [],
  veths: [],
  descriptors: 30,
};
const leaked = (held: Partial<Held>, pods = [pod("a")], containers = [{ id: "c".repeat(64) }]) =>
  leakFindings({ ...nothing, ...held }, pods, containers)
    .filter(({ ok }) => !ok)
    .map(({ what, detail }) => `${what}: ${detail}`);

test("what belongs to a pod or container is in order", () => {
  const held = {
    podDirectories: ["a".repeat(16)],
    containerDirectories: ["c".repeat(64)],
    cgroups: ["a".repeat(64), "a".repeat(64), "c".repeat(64)],
    monitors: ["a".repeat(64)],
    mounts: [`/run/lichen/pods/${"a".repeat(16)}/shm`],
    veths: [`lc${"a".repeat(12)}`],
  };
  assert.deepEqual(leaked(held), []);
});

test("what belongs to none is told by kind, with its name", () => {
  const stray = "f".repeat(64);
  assert.deepEqual(leaked({ podDirectories: ["f".repeat(16)] }), [
    `pod directories: 1 of 1 without an owner: ${"f".repeat(16)}`,
  ]);
  for (const kind of ["containerDirectories", "cgroups", "monitors"] as const)
    assert.equal(leaked({ [kind]: [stray] }).length, 1, kind);
  assert.equal(leaked({ mounts: [`/data/containers/${stray}/x`] }).length, 1);
  assert.equal(leaked({ veths: ["lcffffffffffff"] }).length, 1);
  assert.equal(leaked({ descriptors: 1000 }).length, 1);
});

test("a monitor and an interface outlive a pod that is not ready, its directory may not", () => {
  const stopped = [pod("b", PodSandboxState.SANDBOX_NOTREADY)];
  assert.equal(leaked({ monitors: ["b".repeat(64)] }, stopped).length, 1);
  assert.equal(leaked({ veths: [`lc${"b".repeat(12)}`] }, stopped).length, 1);
  assert.deepEqual(leaked({ podDirectories: ["b".repeat(16)], cgroups: ["b".repeat(64)] }, stopped), []);
});

test("a node without a daemon holds what lies in its directories", (t) => {
  const base = mkdtempSync(join(tmpdir(), "lichen-leaks-"));
  t.after(() => rmSync(base, { recursive: true }));
  const places = { runtimeDir: join(base, "run"), dataDir: join(base, "data") };
  assert.deepEqual(look(places), { ...nothing, descriptors: 0 });
  mkdirSync(join(places.runtimeDir, "pods/x"), { recursive: true });
  mkdirSync(join(places.dataDir, "containers/y"), { recursive: true });
  assert.deepEqual(look(places).podDirectories, ["x"]);
  assert.deepEqual(look(places).containerDirectories, ["y"]);
});
