import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Endpoint } from "../../../src/image/registry/hosts.ts";
import { RegistryLimits } from "../../../src/image/registry/limits.ts";

const at = (host: string) => [{ url: `https://${host}/v2` } as Endpoint];
const a = at("a.example");

/** A fetch that ends when it is told to. */
function fetchOf(limits: RegistryLimits, endpoints = a, signal?: AbortSignal) {
  let began = false;
  let end: (error?: Error) => void = () => {};
  const done = limits.run(endpoints, signal, () => {
    began = true;
    return new Promise<void>((resolve, reject) => {
      end = (error) => (error === undefined ? resolve() : reject(error));
    });
  });
  return { done, began: () => began, end: (error?: Error) => end(error) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("no more than that many at a time, first come first served, also after failures", async () => {
  const limits = new RegistryLimits(2);
  const fetches = [1, 2, 3, 4].map(() => fetchOf(limits));
  const begun = async () => {
    await turn();
    return fetches.map((one) => one.began());
  };
  assert.deepEqual(await begun(), [true, true, false, false]);
  fetches[1]?.end(new Error("failed"));
  await assert.rejects(fetches[1]!.done, /failed/);
  assert.deepEqual(await begun(), [true, true, true, false]);
  for (const i of [0, 2]) fetches[i]?.end();
  assert.deepEqual(await begun(), [true, true, true, true]);
  fetches[3]?.end();
  await fetches[3]?.done;
});

test("every registry counts on its own; where a fetch begins is what counts", async () => {
  const limits = new RegistryLimits(1);
  const first = fetchOf(limits);
  const other = fetchOf(limits, at("b.example"));
  const mirrored = fetchOf(limits, [...at("b.example"), ...a]);
  await turn();
  assert.deepEqual([first.began(), other.began(), mirrored.began()], [true, true, false]);
  for (const one of [first, other]) one.end();
  await turn();
  assert.ok(mirrored.began());
  mirrored.end();
  await mirrored.done;
});

test("0 is no limit", async () => {
  const limits = new RegistryLimits(0);
  const fetches = Array.from({ length: 50 }, () => fetchOf(limits));
  await turn();
  assert.ok(fetches.every((one) => one.began()));
  for (const one of fetches) one.end();
});

test("who gives up while waiting is gone at once and takes no place", async () => {
  const limits = new RegistryLimits(1);
  const first = fetchOf(limits);
  const controller = new AbortController();
  const impatient = fetchOf(limits, a, controller.signal);
  const next = fetchOf(limits);
  controller.abort();
  await assert.rejects(impatient.done, { code: "CANCELLED", object: "a.example" });
  await assert.rejects(fetchOf(limits, a, AbortSignal.abort()).done, { code: "CANCELLED" });
  first.end();
  await turn();
  assert.deepEqual([impatient.began(), next.began()], [false, true]);
  next.end();
  await next.done;
});

test("whatever comes and goes in whatever order, the limit holds and everybody is served", async () => {
  const step = fc.record({ fails: fc.boolean(), givesUp: fc.boolean(), turns: fc.nat(4) });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(step, { maxLength: 20 }),
      async (most, steps) => {
        const limits = new RegistryLimits(most);
        let now = 0;
        let highest = 0;
        const results = await Promise.allSettled(
          steps.map(({ fails, givesUp, turns }) => {
            const controller = new AbortController();
            if (givesUp) setImmediate(() => controller.abort());
            return limits.run(a, controller.signal, async () => {
              highest = Math.max(highest, ++now);
              for (let i = 0; i < turns; i++) await turn();
              now--;
              if (fails) throw new Error("failed");
            });
          }),
        );
        assert.ok(highest <= most);
        assert.equal(now, 0);
        results.forEach((result, i) => {
          if (result.status === "fulfilled") return;
          assert.ok(steps[i]?.fails || steps[i]?.givesUp, String(result.reason));
        });
      },
    ),
  );
});
