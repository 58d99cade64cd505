import assert from "node:assert/strict";
import { test } from "node:test";
import { LichenError } from "../../../src/errors.ts";
import { resolveCapabilities } from "../../../src/security/capabilities.ts";

const checkpointRestore = 40;
const resolve = (add: string[] = [], drop: string[] = [], ambient: string[] = [], privileged = false) =>
  resolveCapabilities({
    privileged,
    capabilities: { addCapabilities: add, dropCapabilities: drop, addAmbientCapabilities: ambient },
    lastCapability: checkpointRestore,
  });

test("the default is Docker's fourteen, in every set but the inherited ones", () => {
  const { bounding, effective, permitted, inheritable, ambient } = resolveCapabilities({
    privileged: false,
    capabilities: null,
    lastCapability: checkpointRestore,
  });
  assert.equal(bounding.length, 14);
  assert.ok(bounding.includes("CAP_NET_RAW") && !bounding.includes("CAP_SYS_ADMIN"));
  assert.deepEqual(effective, bounding);
  assert.deepEqual(permitted, bounding);
  assert.deepEqual([inheritable, ambient], [[], []]);
});

test("names are taken with and without CAP_, in any case", () => {
  for (const name of ["NET_ADMIN", "CAP_NET_ADMIN", "net_admin"]) {
    assert.ok(resolve([name]).bounding.includes("CAP_NET_ADMIN"), name);
  }
});

test("add ALL gives everything, drop ALL takes everything", () => {
  assert.equal(resolve(["ALL"]).bounding.length, checkpointRestore + 1);
  assert.deepEqual(resolve([], ["ALL"]).bounding, []);
});

test("a name weighs more than ALL", () => {
  assert.deepEqual(resolve(["KILL"], ["ALL"]).bounding, ["CAP_KILL"]);
  assert.ok(!resolve(["ALL"], ["SYS_ADMIN"]).bounding.includes("CAP_SYS_ADMIN"));
});

test("of the same name added and dropped, drop wins", () => {
  assert.ok(!resolve(["KILL"], ["KILL"]).bounding.includes("CAP_KILL"));
});

test("ambient capabilities are granted and inherited", () => {
  const sets = resolve([], ["ALL"], ["NET_BIND_SERVICE"]);
  for (const set of Object.values(sets)) assert.deepEqual(set, ["CAP_NET_BIND_SERVICE"]);
});

test("privileged has all of them, whatever is dropped", () => {
  assert.equal(resolve([], ["ALL"], [], true).bounding.length, checkpointRestore + 1);
});

test("what an older kernel does not know is left out, not refused", () => {
  const sets = resolveCapabilities({
    privileged: false,
    capabilities: { addCapabilities: ["BPF"], dropCapabilities: [], addAmbientCapabilities: [] },
    lastCapability: 37,
  });
  assert.ok(!sets.bounding.includes("CAP_BPF"));
});

test("an unknown name is refused", () => {
  assert.throws(
    () => resolve(["NET_ADMIM"]),
    (error) =>
      error instanceof LichenError && error.code === "INVALID_ARGUMENT" && error.object === "NET_ADMIM",
  );
});
