import assert from "node:assert/strict";
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DiskUsageCache, diskUsage } from "../../../src/resources/disk-usage.ts";
import { eventually } from "../../support/pods.ts";

const base = mkdtempSync(join(tmpdir(), "lichen-disk-"));
after(() => rmSync(base, { recursive: true }));

test("disk usage counts blocks and inodes, a hard link once, a symbolic link not followed", async () => {
  const tree = mkdtempSync(join(base, "tree-"));
  writeFileSync(join(tree, "a"), Buffer.alloc(100_000, 1));
  linkSync(join(tree, "a"), join(tree, "b"));
  symlinkSync("/", join(tree, "root"));
  mkdirSync(join(tree, "d"));
  const { bytes, inodes } = await diskUsage(tree);
  assert.equal(inodes, 4);
  assert.ok(bytes >= 98_304 && bytes < 200_000, String(bytes));
});

test("disk usage of what does not exist is nothing", async () => {
  assert.deepEqual(await diskUsage(join(base, "nowhere")), { bytes: 0, inodes: 0 });
});

test("a large tree is looked at bit by bit: others get their turn", async () => {
  const tree = mkdtempSync(join(base, "tree-"));
  for (let i = 0; i < 3000; i++) writeFileSync(join(tree, String(i)), "");
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const { inodes } = await diskUsage(tree);
  clearInterval(timer);
  assert.equal(inodes, 3001);
  assert.ok(turns > 0, "nobody had a turn");
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
