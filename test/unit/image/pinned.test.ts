import assert from "node:assert/strict";
import { test } from "node:test";
import { pinnedBy } from "../../../src/image/pinned.ts";

const image = (...names: string[]) => ({ names });

test("a pinned reference is normalised as a pull would", () => {
  const pinned = pinnedBy(["alpine", "registry.k8s.io/pause:3.10"]);
  assert.ok(pinned(image("docker.io/library/alpine:latest")));
  assert.ok(pinned(image("other:1", "registry.k8s.io/pause:3.10")));
  assert.ok(!pinned(image("docker.io/library/alpine:3")));
  assert.ok(!pinned(image()));
});

test("a star at the end stands for any rest", () => {
  const pinned = pinnedBy(["registry.k8s.io/*"]);
  assert.ok(pinned(image("registry.k8s.io/pause:3.10")));
  assert.ok(!pinned(image("registry.k8s.iox/pause:3.10")));
  assert.ok(!pinnedBy([])(image("a:1")));
});

test("what is no reference is refused", () => {
  assert.throws(() => pinnedBy(["Not A Reference"]), { code: "INVALID_ARGUMENT" });
});
