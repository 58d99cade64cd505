import assert from "node:assert/strict";
import { test } from "node:test";
import { CompletedLayers } from "../../../src/store/completed-layers.ts";
import { openDatabase } from "../../../src/store/database.ts";
import { ImageStore } from "../../../src/store/images.ts";

const layer = (chainId: string) => ({ chainId, bytes: 10, inodes: 2 });

test("completed layers are taken once, and only within the boot in which they became so", () => {
  const database = openDatabase(":memory:", { durable: true });
  const now = new CompletedLayers(database);
  now.note(layer("a"));
  now.note(layer("a"));
  now.note(layer("b"));
  assert.deepEqual(now.take(), [layer("a"), layer("b")]);
  assert.deepEqual(now.take(), []);
  now.note(layer("a"));
  const next = new CompletedLayers(database, "another boot");
  next.note(layer("b"));
  assert.deepEqual(next.take(), [layer("b")]);
  assert.deepEqual(now.take(), []);
});

test("the layers of an image that is saved are no longer merely completed", () => {
  const database = openDatabase(":memory:", { durable: true });
  const completed = new CompletedLayers(database);
  completed.note(layer("base"));
  completed.note(layer("other"));
  const store = new ImageStore(database);
  store.save({ id: "sha256:a", config: "{}", configSize: 2, names: ["r:1"], layers: [layer("base")] });
  assert.deepEqual(completed.take(), [layer("other")]);
  assert.ok(store.hasLayer("base"));
});
