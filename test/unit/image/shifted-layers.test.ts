import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ShiftedLayers } from "../../../src/image/shifted-layers.ts";
import type { WorkerPool } from "../../../src/image/worker-pool.ts";
import type { IdMap } from "../../../src/native/id-map.ts";

const base = mkdtempSync(join(tmpdir(), "lichen-shifted-"));
after(() => rmSync(base, { recursive: true }));

const map = (first: number): IdMap => ({ uids: [[0, first, 65_536]], gids: [[0, first, 65_536]] });
const chainId = (digit: string) => `sha256:${digit.repeat(64)}`;
const layer = (digit: string) => ({ chainId: chainId(digit), directory: `/layers/${digit}` });

/** Copies by making what they would make; the kernel's part has tests of its own (native/core/tree_shift_test.cc). */
function place(failing = new Set<string>()) {
  const directory = join(mkdtempSync(join(base, "data-")), "shifted");
  const copied: string[] = [];
  const run = async (task: { kind: string; path?: string; source?: string; destination?: string }) => {
    if (task.kind === "remove") return rmSync(task.path ?? "", { recursive: true });
    assert.equal(task.kind, "shift");
    if (failing.has(task.source ?? "")) throw new Error("no space");
    copied.push(task.source ?? "");
    writeFileSync(join(task.destination ?? "", "copy"), "");
  };
  const layers = () =>
    new ShiftedLayers({ directory, pool: { run } as unknown as WorkerPool, log: undefined });
  return { directory, copied, layers };
}

const everything = () => true;

test("a layer is copied once for each map, also for two who want it at the same time", async () => {
  const { directory, copied, layers } = place();
  const shifted = layers();
  await shifted.open(everything);
  const wanted = [layer("a"), layer("b")];
  const [one, other] = await Promise.all([
    shifted.provide(wanted, map(65_536), "one"),
    shifted.provide(wanted, map(65_536), "other"),
  ]);
  assert.deepEqual(one, other);
  assert.deepEqual(one, [
    join(directory, "0-65536-65536.0-65536-65536", "a".repeat(64)),
    join(directory, "0-65536-65536.0-65536-65536", "b".repeat(64)),
  ]);
  assert.deepEqual(copied.sort(), ["/layers/a", "/layers/b"]);
  await shifted.provide(wanted, map(131_072), "third");
  assert.equal(copied.length, 4);
});

test("a copy that fails leaves nothing, and is tried again", async () => {
  const failing = new Set(["/layers/b"]);
  const { directory, layers } = place(failing);
  const shifted = layers();
  await shifted.open(everything);
  await assert.rejects(shifted.provide([layer("a"), layer("b")], map(65_536), "one"), /no space/);
  const [name = ""] = readdirSync(directory);
  assert.deepEqual(readdirSync(join(directory, name)).sort(), ["a".repeat(64), "users"]);
  failing.clear();
  const [, again = ""] = await shifted.provide([layer("a"), layer("b")], map(65_536), "one");
  assert.ok(existsSync(join(again, "copy")));
});

test("the copies of two maps that nobody uses are kept, the last used ones", async () => {
  const { directory, layers } = place();
  const shifted = layers();
  await shifted.open(everything);
  for (const first of [1, 2, 3, 4]) await shifted.provide([layer("a")], map(first * 65_536), `user ${first}`);
  for (const first of [1, 2, 3]) await shifted.release(`user ${first}`);
  const left = readdirSync(directory).map((name) => Number(name.split("-")[1]) / 65_536);
  assert.deepEqual(left.sort(), [2, 3, 4]);
  await shifted.release("nobody");
  await shifted.releaseOthers([]);
  assert.equal(readdirSync(directory).length, 2);
});

test("a start finds copies and users again, and removes what is half made or of no layer any more", async () => {
  const { directory, copied, layers } = place();
  const before = layers();
  await before.open(everything);
  const [kept = "", gone = ""] = await before.provide([layer("a"), layer("b")], map(65_536), "one");
  const [name = ""] = readdirSync(directory);
  mkdirSync(join(directory, name, "partial-0123"));
  mkdirSync(join(directory, "removing-4567"));
  const after = layers();
  await after.open((hex) => hex === "a".repeat(64));
  assert.deepEqual(readdirSync(directory), [name]);
  assert.deepEqual([existsSync(kept), existsSync(gone)], [true, false]);
  await after.provide([layer("a")], map(65_536), "two");
  assert.equal(copied.length, 2);
  await after.releaseOthers(["two"]);
  assert.deepEqual(readdirSync(join(directory, name, "users")), ["two"]);
});

test("a start after a death between the two directories of a map is a start like any other", async () => {
  const { directory, layers } = place();
  mkdirSync(join(directory, "0-65536-65536.0-65536-65536"), { recursive: true });
  const shifted = layers();
  await shifted.open(everything);
  const [copy = ""] = await shifted.provide([layer("a")], map(65_536), "one");
  assert.ok(existsSync(join(copy, "copy")));
});

test("a layer that is gone takes its copies along, and the last one its map", async () => {
  const { directory, layers } = place();
  const shifted = layers();
  await shifted.open(everything);
  const [one = "", other = ""] = await shifted.provide([layer("a"), layer("b")], map(65_536), "user");
  await shifted.release("user");
  await shifted.removeLayer(chainId("a"));
  assert.deepEqual([existsSync(one), existsSync(other)], [false, true]);
  await shifted.removeLayer(chainId("c"));
  await shifted.removeLayer(chainId("b"));
  assert.deepEqual(readdirSync(directory), []);
});
