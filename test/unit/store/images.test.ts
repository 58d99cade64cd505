import assert from "node:assert/strict";
import { test } from "node:test";
import { openDatabase } from "../../../src/store/database.ts";
import { ImageStore, type StoredImage } from "../../../src/store/images.ts";

function open() {
  const database = openDatabase(":memory:", { durable: true });
  return { database, store: new ImageStore(database) };
}

const layer = (chainId: string) => ({ chainId, bytes: 10, inodes: 1 });
const image = (id: string, names: string[], layers: string[]): StoredImage => ({
  id: `sha256:${id}`,
  config: "{}",
  configSize: 2,
  names,
  layers: layers.map(layer),
});

test("what is saved is found by id, name, digest and prefix", () => {
  const { store } = open();
  const one = image("abc1", ["r/a:1", "r/a@sha256:f00"], ["base", "top"]);
  store.save(one);
  assert.deepEqual(store.get(one.id), one);
  assert.deepEqual(store.list(), [one]);
  assert.equal(store.idOfName("r/a:1"), one.id);
  assert.equal(store.idOfName("sha256:f00"), one.id);
  for (const none of ["sha256:f0", "sha256:", "sha256:%", "sha256:___", "sha256:F00", "sha256:00"])
    assert.equal(store.idOfName(none), undefined, none);
  assert.deepEqual(store.idsWithPrefix("sha256:ab"), [one.id]);
  store.save(image("abc2", [], []));
  store.save(image("abc3", [], []));
  assert.equal(store.idsWithPrefix("sha256:abc").length, 2);
});

test("saving again adds names; a name belongs to one image", () => {
  const { store } = open();
  store.save(image("a", ["r:1"], ["x"]));
  store.save(image("a", ["r:2"], ["x"]));
  assert.deepEqual(store.get("sha256:a")?.names, ["r:1", "r:2"]);
  store.save(image("b", ["r:1"], ["x"]));
  assert.deepEqual(store.get("sha256:a")?.names, ["r:2"]);
  assert.equal(store.idOfName("r:1"), "sha256:b");
});

test("a removed image gives back the layers that no other has", () => {
  const { store } = open();
  store.save(image("a", ["r:a"], ["base", "a"]));
  store.save(image("b", ["r:b"], ["base", "b"]));
  assert.deepEqual(store.remove("sha256:a"), ["a"]);
  assert.ok(store.hasLayer("base"));
  assert.deepEqual(store.remove("sha256:a"), []);
  assert.deepEqual(store.remove("sha256:b").sort(), ["b", "base"]);
  assert.deepEqual([store.list(), store.layers()], [[], []]);
});

test("an image in use is removed from sight, its layers when the last user is gone", () => {
  const { store } = open();
  store.save(image("a", ["r:a"], ["x"]));
  assert.ok(store.acquire("sha256:a", "c1"));
  assert.ok(store.acquire("sha256:a", "c1"));
  assert.ok(store.acquire("sha256:a", "c2"));
  assert.deepEqual(store.remove("sha256:a"), []);
  assert.deepEqual(
    [store.list(), store.idOfName("r:a"), store.idsWithPrefix("sha256:a")],
    [[], undefined, []],
  );
  assert.equal(store.get("sha256:a")?.layers.length, 1);
  assert.deepEqual(store.release("sha256:a", "c1"), []);
  assert.deepEqual(store.release("sha256:a", "c2"), ["x"]);
  assert.deepEqual(store.release("sha256:a", "c2"), []);
  assert.equal(store.acquire("sha256:a", "c3"), false);
});

test("saving brings a removed image back", () => {
  const { store } = open();
  store.save(image("a", ["r:a"], ["x"]));
  store.acquire("sha256:a", "c1");
  store.remove("sha256:a");
  store.save(image("a", ["r:b"], ["x"]));
  assert.deepEqual(store.release("sha256:a", "c1"), []);
  assert.deepEqual(store.list()[0]?.names, ["r:b"]);
});

test("images whose layers are lost are forgotten, with what only they needed", () => {
  const { store } = open();
  store.save(image("a", ["r:a"], ["base", "lost"]));
  store.save(image("b", ["r:b"], ["base"]));
  assert.deepEqual(store.forgetLayers(["lost"]), ["lost"]);
  assert.deepEqual(
    store.list().map(({ id }) => id),
    ["sha256:b"],
  );
  assert.deepEqual(store.forgetLayers([]), []);
});

test("uses by those who are gone can be ended at once", () => {
  const { store } = open();
  store.save(image("a", [], ["x"]));
  store.save(image("b", [], ["y"]));
  for (const [id, user] of [
    ["a", "kept"],
    ["a", "gone"],
    ["b", "gone"],
  ])
    store.acquire(`sha256:${id}`, user ?? "");
  store.remove("sha256:a");
  store.remove("sha256:b");
  assert.deepEqual(store.releaseOthers(["kept", "unknown"]), ["y"]);
  assert.deepEqual(store.releaseOthers([]), ["x"]);
});

test("notes of use do not wait for the disk, everything else does", () => {
  const { database, store } = open();
  const synchronous = () => database.prepare("PRAGMA synchronous").get()?.synchronous;
  store.save(image("a", [], []));
  store.acquire("sha256:a", "c");
  store.release("sha256:a", "c");
  assert.equal(synchronous(), 2);
});

test("unused images come in the order of their last use", async () => {
  const { store } = open();
  const pause = () => new Promise((resolve) => setTimeout(resolve, 3));
  for (const name of ["a", "b", "c"]) {
    store.save(image(name, [`r:${name}`], ["base", name]));
    await pause();
  }
  const unused = () => store.unused().map(({ id }) => id);
  assert.deepEqual(unused(), ["sha256:a", "sha256:b", "sha256:c"]);
  store.acquire("sha256:a", "c1");
  assert.deepEqual(unused(), ["sha256:b", "sha256:c"]);
  await pause();
  store.release("sha256:a", "c1");
  assert.deepEqual(unused(), ["sha256:b", "sha256:c", "sha256:a"]);
  await pause();
  store.save(image("b", ["r:b"], ["base", "b"]));
  assert.deepEqual(unused(), ["sha256:c", "sha256:a", "sha256:b"]);
  assert.deepEqual(store.layersOfOthers(["sha256:a", "sha256:b"]).sort(), ["base", "c"]);
  store.remove("sha256:c");
  assert.deepEqual(unused(), ["sha256:a", "sha256:b"]);
});
