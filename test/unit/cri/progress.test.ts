import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { progressOf } from "../../../src/cri/progress.ts";

async function collect<P, R>(work: AsyncGenerator<P, R>): Promise<{ seen: P[]; result: R }> {
  const seen: P[] = [];
  for (;;) {
    const step = await work.next();
    if (step.done) return { seen, result: step.value };
    seen.push(step.value);
  }
}

test("the latest report and the result arrive, however many reports there were", async () => {
  const { seen, result } = await collect(
    progressOf<number, string>(async (report) => {
      for (let at = 0; at <= 1000; at++) report(at);
      await sleep(120);
      report(1001);
      return "done";
    }),
  );
  assert.deepEqual(seen, [1000, 1001]);
  assert.equal(result, "done");
});

test("reports come while the work goes on, at most ten times a second", async () => {
  const began = performance.now();
  const { seen } = await collect(
    progressOf<number, void>(async (report) => {
      for (let at = 0; at < 50; at++) {
        report(at);
        await sleep(10);
      }
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  assert.ok(seen.length >= 3 && seen.length <= 10 * seconds + 2, `${seen.length} in ${seconds} s`);
});

test("without a report there is only the result; a failure is told", async () => {
  assert.deepEqual(await collect(progressOf<number, number>(async () => 7)), { seen: [], result: 7 });
  await assert.rejects(
    collect(
      progressOf<number, number>(async () => {
        throw new Error("failed");
      }),
    ),
    /failed/,
  );
});

test("who leaves early hears nothing of a later failure", async () => {
  const work = progressOf<number, void>(async (report) => {
    report(1);
    await sleep(20);
    throw new Error("unheard");
  });
  await work.next();
  await work.return(undefined as never);
  await sleep(40);
});
