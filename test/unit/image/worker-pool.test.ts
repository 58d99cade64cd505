import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { WorkerPool } from "../../../src/image/worker-pool.ts";

const scratch = mkdtempSync(join(tmpdir(), "lichen-pool-"));
after(() => rmSync(scratch, { recursive: true }));
let count = 0;

function directory(): string {
  const path = join(scratch, String(count++));
  mkdirSync(join(path, "inner"), { recursive: true });
  return path;
}

function start(t: TestContext, size: number): WorkerPool {
  const pool = new WorkerPool(size);
  t.after(() => pool.close());
  return pool;
}

const remove = (path: string) => ({ kind: "remove", path }) as const;
const threads = () => readdirSync("/proc/self/task").length;

test("tasks are done, more than there are threads", async (t) => {
  const pool = start(t, 2);
  const paths = Array.from({ length: 7 }, directory);
  await Promise.all(paths.map((path) => pool.run(remove(path))));
  assert.deepEqual(paths.filter(existsSync), []);
});

test("an error comes back with its code, and the thread goes on", async (t) => {
  const pool = start(t, 1);
  const path = join(scratch, "missing");
  await assert.rejects(pool.run({ kind: "sync", path }), {
    code: "NOT_FOUND",
    operation: "open",
    object: `"${path}"`,
  });
  await pool.run({ kind: "sync", path: scratch });
});

test("a task given up before its turn never runs; given up already, not even then", async (t) => {
  const pool = start(t, 1);
  const [first, second] = [directory(), directory()];
  const caller = new AbortController();
  const running = pool.run(remove(first));
  const waiting = pool.run(remove(second), caller.signal);
  caller.abort();
  await assert.rejects(waiting, { code: "CANCELLED" });
  await running;
  await assert.rejects(pool.run(remove(second), AbortSignal.abort()), { code: "CANCELLED" });
  await pool.run(remove(first));
  assert.ok(existsSync(second));
});

test("closing ends what waits and runs, and takes nothing new", async (t) => {
  const pool = start(t, 1);
  const results = Promise.allSettled([pool.run(remove(directory())), pool.run(remove(directory()))]);
  await pool.close();
  for (const result of await results)
    assert.equal(result.status === "rejected" && (result.reason as { code: string }).code, "CANCELLED");
  await assert.rejects(pool.run(remove(scratch)), { code: "CANCELLED" });
  assert.ok(existsSync(scratch));
});

test("threads end when there has been nothing to do, and come back", async (t) => {
  const before = threads();
  const pool = start(t, 2);
  await Promise.all([pool.run(remove(directory())), pool.run(remove(directory()))]);
  assert.ok(threads() > before);
  for (let i = 0; i < 60 && threads() > before; i++) await sleep(100);
  assert.ok(threads() <= before, `${threads()} threads, ${before} before`);
  await pool.run(remove(directory()));
});
