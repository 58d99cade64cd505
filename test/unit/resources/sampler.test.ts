import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Sampler } from "../../../src/resources/usage/sampler.ts";

/** A sampler of names, each of which gives how often it was read; `batches` are the readings. */
function counting(work: () => Promise<unknown> = async () => {}) {
  const batches: string[][] = [];
  const counts = new Map<string, number>();
  const sampler = new Sampler<string, number>(async (names) => {
    batches.push([...names]);
    await work();
    return names.map((name) => {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      return counts.get(name) ?? 0;
    });
  });
  const ask = async (...names: string[]) => {
    const samples = await sampler.of(names.map((name) => [name, name]));
    return names.map((name) => samples.get(name)?.usage);
  };
  return { batches, sampler, ask };
}

test("what was read a moment ago is told again, and only the rest is read", async () => {
  const { batches, ask } = counting();
  assert.deepEqual(await ask("a", "b"), [1, 1]);
  assert.deepEqual(await ask("b", "c", "a"), [1, 1, 1]);
  assert.deepEqual(batches, [["a", "b"], ["c"]]);
});

test("what is aging is told once more while it is read anew; what is old is read first", async () => {
  const { ask } = counting();
  await ask("a");
  await sleep(700);
  assert.deepEqual(await ask("a"), [1]);
  await sleep(20);
  assert.deepEqual(await ask("a"), [2]);
  await sleep(1050);
  assert.deepEqual(await ask("a"), [3]);
});

test("of many that are aging some are read anew for each who asks", async () => {
  const { batches, ask } = counting();
  const names = Array.from({ length: 100 }, (_, index) => `n${index}`);
  await ask(...names);
  await sleep(700);
  batches.length = 0;
  assert.ok((await ask(...names)).every((count) => count === 1));
  await sleep(20);
  assert.equal(batches.flat().length, 64);
  await ask(...names);
  await sleep(20);
  assert.deepEqual(batches.flat().sort(), [...names].sort(), "each once");
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
