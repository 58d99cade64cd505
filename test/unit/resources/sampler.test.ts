import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Sampler } from "../../../src/resources/usage/sampler.ts";

/** A sampler of names, each of which gives how often it was read; `batches` are the readings. */
function counting(work: () => Promise<unknown> = async () => {}, attentionMs?: number) {
  const batches: string[][] = [];
  const counts = new Map<string, number>();
  const sampler = new Sampler<{ key: string }, number>(async (asked) => {
    const names = asked.map(({ key }) => key);
    batches.push(names);
    await work();
    return names.map((name) => {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      return counts.get(name) ?? 0;
    });
  }, attentionMs);
  const subjects = new Map<string, { key: string }>();
  const subjectOf = (key: string) => subjects.get(key) ?? subjects.set(key, { key }).get(key)!;
  const ask = async (...names: string[]) => {
    const samples = await sampler.of(names.map(subjectOf));
    return names.map((name) => samples.get(name)?.usage);
  };
  return { batches, sampler, ask, change: (name: string) => subjects.delete(name) };
}

test("what was read a moment ago is told again, and only the rest is read", async () => {
  const { batches, ask } = counting();
  assert.deepEqual(await ask("a", "b"), [1, 1]);
  assert.deepEqual(await ask("b", "c", "a"), [1, 1, 1]);
  assert.deepEqual(batches, [["a", "b"], ["c"]]);
});

test("what has changed is read anew, and by the side as it is then", async () => {
  const { batches, ask, change } = counting();
  await ask("a", "b");
  change("a");
  assert.deepEqual(await ask("a", "b"), [2, 1]);
  assert.deepEqual(batches, [["a", "b"], ["a"]]);
});

test("what is aging is told once more while it is read anew; what is old is read first", async () => {
  const { ask } = counting(() => sleep(5));
  await ask("a");
  await sleep(700);
  assert.deepEqual(await ask("a"), [1]);
  await sleep(50);
  assert.deepEqual(await ask("a"), [2]);
  await sleep(1050);
  assert.deepEqual(await ask("a"), [3]);
});

const many = Array.from({ length: 100 }, (_, index) => `n${index}`);

test("of many who asks again is never kept waiting: they are replaced by the side, each before it is too old", async () => {
  const { batches, ask } = counting();
  await ask(...many);
  // 100 samples may be 1.6 s old.
  for (let round = 0; round < 8; round++) {
    await sleep(400);
    const before = batches.length;
    const counts = await ask(...many);
    assert.equal(batches.length, before, "nothing is read by asking");
    const least = Math.floor((400 * (round + 1)) / 1600);
    assert.ok(
      counts.every((count = 0) => count >= least),
      `after ${round + 1} rounds ${Math.min(...counts.map((count = 0) => count))}`,
    );
  }
  const read = batches.slice(4).flat().length / many.length;
  assert.ok(read >= 1 && read <= 3.5, `each was replaced ${read} times in 3.2 s`);
  assert.ok(Math.max(...batches.slice(4).map(({ length }) => length)) <= 34, "some at a time");
});

test("of many nothing is read when nobody has asked for a while", async () => {
  const { batches, ask } = counting(undefined, 300);
  await ask(...many);
  await sleep(1000);
  const before = batches.length;
  await sleep(1000);
  assert.equal(batches.length, before);
  await ask(...many);
  assert.equal(
    batches.slice(before).flat().length,
    many.length,
    "all are old, and read before they are told",
  );
});

test("a failure by the side is nobody's, and is made good", async () => {
  let fail = false;
  const { ask } = counting(async () => {
    if (fail) throw new Error("no");
  });
  await ask(...many);
  fail = true;
  await sleep(1300);
  fail = false;
  await sleep(700);
  assert.ok((await ask(...many)).every((count = 0) => count >= 2));
});

test("many are read in parts, and those who ask for the same wait for one reading", async () => {
  const { batches, ask } = counting(() => sleep(5));
  const names = Array.from({ length: 70 }, (_, index) => `n${index}`);
  const [first, second] = await Promise.all([ask(...names), ask(...names)]);
  assert.deepEqual(
    first,
    names.map(() => 1),
  );
  assert.deepEqual(second, first);
  assert.deepEqual(
    batches.map(({ length }) => length),
    [32, 32, 6],
  );
});

test("what is forgotten is not kept, even if it is being read", async () => {
  const { ask, sampler } = counting(() => sleep(5));
  const asking = ask("a", "b");
  sampler.forget("a");
  assert.deepEqual(await asking, [undefined, 1]);
  sampler.forget("b");
  assert.deepEqual(await ask("b"), [2]);
});

test("a failure is told to those who wait, and the next reads again", async () => {
  let fail = true;
  const { ask } = counting(async () => {
    if (fail) throw new Error("no");
  });
  await assert.rejects(ask("a"), /no/);
  fail = false;
  assert.deepEqual(await ask("a"), [1]);
});
