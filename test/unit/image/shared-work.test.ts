import assert from "node:assert/strict";
import { test } from "node:test";
import { SharedWork } from "../../../src/image/shared-work.ts";

/** Work whose end the test decides, and that counts how often it was begun. */
function controlled() {
  const runs: { signal: AbortSignal; resolve: (value: string) => void; reject: (error: Error) => void }[] =
    [];
  const begin = (signal: AbortSignal) =>
    new Promise<string>((resolve, reject) => runs.push({ signal, resolve, reject }));
  return { runs, begin };
}

const never = new AbortController().signal;
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("callers of one key share one run, others do not", async () => {
  const work = new SharedWork<string>();
  const { runs, begin } = controlled();
  const both = [work.join("a", never, begin), work.join("a", never, begin)];
  const other = work.join("b", never, begin);
  assert.equal(runs.length, 2);
  runs[0]?.resolve("a");
  runs[1]?.resolve("b");
  assert.deepEqual(await Promise.all([...both, other]), ["a", "a", "b"]);
  await turn();
  assert.equal(work.get("a"), undefined);
});

test("one caller giving up does not disturb the other", async () => {
  const work = new SharedWork<string>();
  const { runs, begin } = controlled();
  const impatient = new AbortController();
  const first = work.join("a", impatient.signal, begin);
  const second = work.join("a", never, begin);
  impatient.abort();
  await assert.rejects(first, { code: "CANCELLED" });
  assert.equal(runs[0]?.signal.aborted, false);
  runs[0]?.resolve("done");
  assert.equal(await second, "done");
});

test("the last caller to give up ends the run and waits until it has cleaned up", async () => {
  const work = new SharedWork<string>();
  const { runs, begin } = controlled();
  const caller = new AbortController();
  let over = false;
  const result = work.join("a", caller.signal, begin).finally(() => {
    over = true;
  });
  caller.abort();
  await turn();
  assert.equal(runs[0]?.signal.aborted, true);
  assert.equal(over, false);
  // A newcomer does not join what is already ending.
  const newcomer = work.join("a", never, begin);
  assert.equal(runs.length, 2);
  runs[0]?.reject(new Error("stopped"));
  await assert.rejects(result, { code: "CANCELLED" });
  runs[1]?.resolve("fresh");
  assert.equal(await newcomer, "fresh");
});

test("who joined another's run and sees it fail tries anew; who began it is told", async () => {
  const work = new SharedWork<string>();
  const { runs, begin } = controlled();
  const first = work.join("a", never, begin);
  const second = work.join("a", never, begin);
  runs[0]?.reject(new Error("wrong credentials"));
  await assert.rejects(first, /wrong credentials/);
  await turn();
  assert.equal(runs.length, 2);
  runs[1]?.resolve("mine");
  assert.equal(await second, "mine");
});

test("an aborted signal never begins anything", async () => {
  const { runs, begin } = controlled();
  await assert.rejects(new SharedWork<string>().join("a", AbortSignal.abort(), begin), { code: "CANCELLED" });
  assert.equal(runs.length, 0);
});
