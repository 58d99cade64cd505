import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { diskUsages } from "../../../src/native/disk-usage.ts";
import { DiskUsageCache } from "../../../src/resources/disk-usage.ts";
import { eventually } from "../../support/pods.ts";

const base = mkdtempSync(join(tmpdir(), "lichen-disk-"));
after(() => rmSync(base, { recursive: true }));

test("many trees are looked at in their order; what does not exist takes nothing", async () => {
  const trees = Array.from({ length: 100 }, () => mkdtempSync(join(base, "tree-")));
  for (const [index, tree] of trees.entries())
    for (let i = 0; i < index % 5; i++) writeFileSync(join(tree, String(i)), Buffer.alloc(10_000, 1));
  const usages = await diskUsages([...trees, join(base, "nowhere")]);
  assert.equal(usages.length, 101);
  assert.deepEqual(
    usages.map(({ inodes }) => inodes),
    [...trees.map((_, index) => 1 + (index % 5)), 0],
  );
  assert.ok(usages[4]!.bytes >= 40_000 && usages[4]!.bytes < 80_000, String(usages[4]!.bytes));
  assert.equal(usages[100]!.bytes, 0);
});

test("a large tree holds nobody up: the look is made in a thread", async () => {
  const tree = mkdtempSync(join(base, "tree-"));
  for (let i = 0; i < 3000; i++) writeFileSync(join(tree, String(i)), "");
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const [usage] = await diskUsages([tree]);
  clearInterval(timer);
  assert.equal(usage?.inodes, 3001);
  assert.ok(turns > 0, "nobody had a turn");
});

test("many asked about at once are all told, also those asked about meanwhile", async () => {
  const trees = Array.from({ length: 80 }, () => mkdtempSync(join(base, "tree-")));
  const cache = new DiskUsageCache();
  const asked = trees.map((tree) => cache.of(tree));
  const later = new Promise<number>((resolve, reject) =>
    setImmediate(() => {
      const more = mkdtempSync(join(base, "tree-"));
      writeFileSync(join(more, "file"), "");
      Promise.resolve(cache.of(more)).then(({ inodes }) => resolve(inodes), reject);
    }),
  );
  assert.ok((await Promise.all(asked)).every(({ inodes }) => inodes === 1));
  assert.equal(await later, 2);
});

test("a tree asked about again at once is not walked again; a forgotten one is", async () => {
  const tree = mkdtempSync(join(base, "tree-"));
  const cache = new DiskUsageCache();
  const [first, together] = await Promise.all([cache.of(tree), cache.of(tree)]);
  writeFileSync(join(tree, "new"), "");
  assert.deepEqual([together, await cache.of(tree)], [first, first]);
  cache.forget(tree);
  assert.equal((await cache.of(tree)).inodes, first.inodes + 1);
});

test("what has become old is told at once, and looked at anew behind the asker's back", async () => {
  const tree = mkdtempSync(join(base, "tree-"));
  const cache = new DiskUsageCache();
  const first = await cache.of(tree);
  writeFileSync(join(tree, "new"), "");
  await sleep(1100);
  assert.deepEqual(await cache.of(tree), first);
  await eventually(async () => {
    const again = await cache.of(tree);
    assert.equal(again.inodes, first.inodes + 1);
    assert.ok(again.at > first.at);
  });
});
