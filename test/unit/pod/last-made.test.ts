import assert from "node:assert/strict";
import { test } from "node:test";
import { LastMade } from "../../../src/pod/last-made.ts";
import { madeOnce } from "../../../src/pod/made-once.ts";

test("the same object is given while the parts are the same, for each key by itself", () => {
  const made = new LastMade<{ count: number }>();
  let count = 0;
  const make = () => ({ count: ++count });
  const part = {};
  const first = made.of("a", [part, 1], make);
  assert.equal(made.of("a", [part, 1], make), first);
  assert.deepEqual(made.of("b", [part, 1], make), { count: 2 });
  assert.equal(made.of("a", [part, 1], make), first);
  for (const parts of [[{}, 1], [part, 2], [part], [part, 2, 3], []])
    assert.notEqual(made.of("a", parts, make), first, JSON.stringify(parts));
  assert.equal(count, 7);
});

test("what is forgotten is made anew", () => {
  const made = new LastMade<object>();
  const first = made.of("a", [], () => ({}));
  made.forget("a");
  made.forget("never");
  assert.notEqual(
    made.of("a", [], () => ({})),
    first,
  );
});

test("of an object something is made once, and of another like it anew", () => {
  let count = 0;
  const madeOf = madeOnce((part: { name: string }) => ({ name: part.name, count: ++count }));
  const part = { name: "a" };
  const first = madeOf(part);
  assert.equal(madeOf(part), first);
  assert.deepEqual(madeOf({ name: "a" }), { name: "a", count: 2 });
  assert.equal(madeOf(part), first);
});
