import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Tidiness } from "../../../src/daemon/tidiness.ts";

const mebibyte = 1024 * 1024;
const idle = 0.01;
const busy = 0.1;
const working = 0.5;

/** One that has been done at the start, with 60 MiB left. */
function settled(): Tidiness {
  const tidiness = new Tidiness();
  assert.equal(tidiness.due(0, idle, 80 * mebibyte), true);
  tidiness.done(60 * mebibyte);
  return tidiness;
}

/** The seconds at which it is due when it is asked every two seconds and what it frees is needed again at once. */
function dueWhilePolled(tidiness: Tidiness, from: number, to: number): number[] {
  const seconds: number[] = [];
  for (let second = from; second < to; second += 2) {
    if (!tidiness.due(second * 1000, idle, 70 * mebibyte)) continue;
    tidiness.done(60 * mebibyte);
    seconds.push(second);
  }
  return seconds;
}

describe("when a process collects and gives memory back", () => {
  it("is due soon after the start, and not again while it does not grow", () => {
    const tidiness = settled();
    for (let second = 2; second < 100; second += 2)
      assert.equal(tidiness.due(second * 1000, idle, 63 * mebibyte), false, `${second} s`);
  });

  it("is due when it has grown a little while idle, and only when it has grown much while busy", () => {
    assert.equal(settled().due(10_000, idle, 64 * mebibyte), true);
    assert.equal(settled().due(10_000, busy, 75 * mebibyte), false);
    assert.equal(settled().due(10_000, busy, 76 * mebibyte), true);
  });

  it("is due once when work has ended, however small it is", () => {
    const tidiness = settled();
    assert.equal(tidiness.due(2000, working, 60 * mebibyte), false);
    assert.equal(tidiness.due(4000, busy, 60 * mebibyte), false);
    assert.equal(tidiness.due(6000, idle, 60 * mebibyte), true);
    tidiness.done(60 * mebibyte);
    assert.equal(tidiness.due(8000, idle, 60 * mebibyte), false);
  });

  it("is put off longer and longer where it only makes room for what comes next", () => {
    assert.deepEqual(dueWhilePolled(settled(), 2, 300), [2, 6, 14, 30, 62, 126, 190, 254]);
  });

  it("is due at once again after a time in which there was nothing to do", () => {
    const tidiness = settled();
    assert.deepEqual(dueWhilePolled(tidiness, 2, 20), [2, 6, 14]);
    assert.equal(tidiness.due(60_000, idle, 64 * mebibyte), true, "grew after a calm");
    tidiness.done(60 * mebibyte);
    assert.deepEqual(dueWhilePolled(tidiness, 62, 70), [62, 66]);
  });

  it("is due when work ends also while it is put off", () => {
    const tidiness = settled();
    assert.deepEqual(dueWhilePolled(tidiness, 2, 36), [2, 6, 14, 30]);
    assert.equal(tidiness.due(36_000, working, 200 * mebibyte), false);
    assert.equal(tidiness.due(38_000, idle, 200 * mebibyte), true);
  });
});
